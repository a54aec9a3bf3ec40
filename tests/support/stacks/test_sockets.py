"""Whose the other end of a connection is, whichever way it is asked."""

import os
import socket
import subprocess
import sys

import pytest

from support.stacks import sockets


@pytest.fixture(params=["sock_diag", "/proc/net/tcp"])
def asked(request, monkeypatch):
    if request.param == "/proc/net/tcp":

        def refused(*_):
            raise PermissionError

        monkeypatch.setattr(sockets, "_asked_of_kernel", refused)


@pytest.fixture
def connection():
    server = socket.create_server(("127.0.0.1", 0))
    with server, socket.create_connection(server.getsockname()) as ours, server.accept()[0] as theirs:
        yield ours, theirs


@pytest.mark.usefixtures("asked")
def test_each_end_is_told_from_the_other(connection):
    ours, theirs = connection
    local, remote = ours.getsockname(), ours.getpeername()
    assert sockets.inode_of(local, remote) == os.fstat(ours.fileno()).st_ino
    assert sockets.inode_of(remote, local) == os.fstat(theirs.fileno()).st_ino


@pytest.mark.usefixtures("asked")
def test_one_that_is_closed_or_was_never_there_has_no_owner(connection):
    ours, theirs = connection
    local, remote = ours.getsockname(), ours.getpeername()
    theirs.close()
    ours.close()
    assert sockets.inode_of(local, remote) is None
    assert sockets.inode_of(("127.0.0.1", 1), remote) is None


def test_a_socket_belongs_to_the_process_that_has_it_open(connection):
    ours, _ = connection
    inode = sockets.inode_of(ours.getsockname(), ours.getpeername())
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        assert sockets.holds(os.getpid(), inode)
        assert not sockets.holds(other.pid, inode)
        other.communicate(b"\n")
        assert not sockets.holds(other.pid, inode)
