"""Starts a program: its descriptors, its session, its terminal, and the pidfd that tells of its end."""

import fcntl
import os
import shutil
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from support.supervisor.capture import PIPE_SIZE
from support.supervisor.commands import Command, Exit, Terminal
from support.supervisor.errors import CannotStart


@dataclass(frozen=True)
class Child:
    """A program just started, leader of its own session. Its descriptors belong to the receiver."""

    popen: subprocess.Popen[bytes]
    pidfd: int
    outputs: Mapping[str, int]
    """Our end of each stream. The one of a terminal can be written to."""


def keep_descriptors() -> None:
    """Sees to it that nothing we start inherits a descriptor that we have inherited ourselves.

    Those that Python opens are not inherited anyway (PEP 446).
    """
    for fd in Path("/proc/self/fd").iterdir():
        if int(fd.name) > 2:
            with suppress(OSError):  # the one that the listing itself needed
                os.set_inheritable(int(fd.name), False)


def spawn(command: Command, environment: Mapping[str, str]) -> Child:
    """Starts the command with exactly this environment. Raises CannotStart."""
    if not command.cwd.is_dir():
        raise CannotStart(f"{command.name} cannot start: its working directory {command.cwd} does not exist")
    if command.terminal is not None:
        return _spawn_on_terminal(command, environment, command.terminal)
    ours: list[int] = []
    theirs: list[int] = []
    try:
        for _ in ("stdout", "stderr"):
            read, write = os.pipe()
            ours.append(read)
            theirs.append(write)
            _enlarge(read)
        popen = _popen(command, command.argv, environment, subprocess.DEVNULL, theirs[0], theirs[1])
    except BaseException:
        _close(ours)
        raise
    finally:
        _close(theirs)
    return Child(popen, os.pidfd_open(popen.pid), {"stdout": ours[0], "stderr": ours[1]})


def spawn_into(command: Command, environment: Mapping[str, str], output: int) -> Child:
    """Starts the command with both its streams going to `output`. Raises CannotStart."""
    popen = _popen(command, command.argv, environment, subprocess.DEVNULL, output, output)
    return Child(popen, os.pidfd_open(popen.pid), {})


def reap(child: Child) -> Exit | None:
    """How the child ended, None if it lives. To be asked no more after that."""
    try:
        result = os.waitid(os.P_PIDFD, child.pidfd, os.WEXITED | os.WNOHANG)
    except ChildProcessError:  # somebody else has waited for it
        status = number = None
    else:
        if result is None:
            return None
        ended = result.si_code == os.CLD_EXITED
        status = result.si_status if ended else None
        number = None if ended else result.si_status
    at = time.monotonic_ns()
    child.popen.returncode = status if status is not None else -(number or 0)  # or it would wait again
    return Exit(status=status, signal=number, at=at)


def resize(terminal: int, *, columns: int, rows: int) -> None:
    """Sets the size of a pseudo-terminal; the program on it gets SIGWINCH if that is news."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def _spawn_on_terminal(command: Command, environment: Mapping[str, str], terminal: Terminal) -> Child:
    # A session gets its controlling terminal from within. util-linux' setsid does that and becomes the
    # program, with its pid and environment, where a preexec_fn would run Python between fork and exec and may
    # hang if there are threads.
    setsid = shutil.which("setsid")
    program = shutil.which(command.argv[0], path=environment.get("PATH", os.defpath))
    if setsid is None:
        raise CannotStart(
            f"{command.name} cannot start on a terminal: there is no setsid on the PATH (util-linux)"
        )
    if program is None and "/" not in command.argv[0]:
        raise CannotStart(_not_found(command, environment))
    ours, theirs = os.openpty()
    try:
        resize(ours, columns=terminal.columns, rows=terminal.rows)
        argv = [setsid, "-c", *command.argv]
        popen = _popen(command, argv, environment, theirs, theirs, theirs)
    except BaseException:
        _close([ours])
        raise
    finally:
        _close([theirs])
    return Child(popen, os.pidfd_open(popen.pid), {"terminal": ours})


def _popen(
    command: Command,
    argv: Sequence[str],
    environment: Mapping[str, str],
    stdin: int,
    stdout: int,
    stderr: int,
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            argv,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd=command.cwd,
            env=environment,
            close_fds=False,  # see `keep_descriptors`; to close thousands at every start takes its time
            # setsid(1) forks if it leads a group already, and then its pid would not be the program's.
            start_new_session=command.terminal is None,
        )
    except FileNotFoundError as error:
        raise CannotStart(_not_found(command, environment)) from error
    except (OSError, ValueError) as error:
        raise CannotStart(f"{command.name} cannot start {command.argv[0]}: {error}") from error


def _not_found(command: Command, environment: Mapping[str, str]) -> str:
    where = f"on its PATH ({environment.get('PATH', os.defpath)})"
    if "/" in command.argv[0]:
        where = f"seen from {command.cwd}"
    return f"{command.name} cannot start: there is no {command.argv[0]} {where}"


def _enlarge(pipe: int) -> None:
    # The program may then go on for longer while this one is busy.
    try:
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
    except OSError:  # the user has too many large pipes: one of the default size works, too
        return


def _close(fds: Sequence[int]) -> None:
    for fd in fds:
        os.close(fd)
