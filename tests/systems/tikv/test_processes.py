"""The two commands: flags, ready lines, ports, signals."""

import os
import signal
import socket
import subprocess
import sys

import pytest

PD = "systems.tikv.pd_server"
TIKV = "systems.tikv.tikv_server"


def run(module: str, *flags: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *flags]
    return subprocess.run(command, env=os.environ | environ, capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize("module", [PD, TIKV])
def test_help_says_that_it_is_a_stand_in_and_how_fast(module):
    done = run(module, "--help", STANDIN_TIME_SCALE="20")
    assert done.returncode == 0
    assert "stand-in" in done.stdout
    assert "STANDIN_TIME_SCALE (now 20)" in done.stdout


@pytest.mark.parametrize("module", [PD, TIKV])
@pytest.mark.parametrize("flag", ["-V", "--version"])
def test_the_version_is_that_of_the_real_one(module, flag):
    done = run(module, flag)
    assert done.returncode == 0
    assert "Release Version: v8.5.7\n" in done.stdout
    assert "Stand-in: yes" in done.stdout


@pytest.mark.parametrize(
    ("module", "flags", "problem"),
    [
        (PD, ["--nmae=pd0"], "unrecognized arguments: --nmae=pd0"),
        (PD, ["--client=http://127.0.0.1:2379"], "unrecognized arguments"),
        (PD, ["--client-urls=127.0.0.1:2379"], "--client-urls must hold http:// URLs"),
        (PD, ["--peer-urls=http://127.0.0.1"], "--peer-urls must name a host and a port"),
        (PD, ["--name=a", "--initial-cluster=b=http://127.0.0.1:1"], "does not name this member"),
        (PD, ["--name=a", "--initial-cluster=a=http://127.0.0.1:1"], "--advertise-peer-urls"),
        (TIKV, ["--addr=127.0.0.1:1"], "required: --pd"),
        (TIKV, ["--pd=127.0.0.1"], "--pd must name a host and a port"),
        (TIKV, ["--pd=127.0.0.1:1", "--capacity=much"], "--capacity must be a size"),
    ],
)
def test_flags_that_cannot_be_used_are_one_line_and_status_2(module, flags, problem):
    done = run(module, *flags)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert problem in line


@pytest.mark.parametrize("module", [PD, TIKV])
@pytest.mark.parametrize("scale", ["fast", "0", "1000", "nan"])
def test_a_scale_that_is_none_is_one_line_and_status_2(module, scale):
    done = run(module, "--help", STANDIN_TIME_SCALE=scale)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert "STANDIN_TIME_SCALE must be a number from 0.1 to 100" in line


@pytest.mark.parametrize("module", [PD, TIKV])
def test_a_port_that_is_taken_is_one_line_and_status_1(module, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        if module == PD:
            flags = [f"--client-urls=http://{address}", f"--data-dir={tmp_path}"]
        else:
            flags = ["--addr", address, "--pd", "127.0.0.1:1", "--data-dir", str(tmp_path)]
        done = run(module, *flags)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert f"cannot listen on {address}: Address already in use" in line


def test_a_data_directory_of_another_member_is_refused(make_cluster):
    cluster = make_cluster(members=1, stores=0)
    cluster.start()
    cluster.until(lambda: cluster.leader() is cluster.members[0], True)
    [member] = cluster.members
    member.kill()
    flags = [flag.replace(":2380", ":2381") for flag in member.flags]
    done = run(PD, *flags)
    assert done.returncode == 1
    assert "belongs to the member pd0" in done.stderr


def test_flags_may_be_written_with_or_without_an_equals_sign(make_cluster):
    cluster = make_cluster(members=1, stores=0)
    [member] = cluster.members
    member.flags[:] = [half for flag in member.flags for half in flag.split("=", 1)]
    cluster.start()
    cluster.until(lambda: cluster.leader() is member, True)


def test_ready_lines_look_like_the_real_ones(steady):
    logs = {node.name: node.log.read_text() for node in steady.nodes.values()}
    assert sum('["PD leader is ready to serve"] [leader-name=pd' in text for text in logs.values()) == 1
    for name, text in logs.items():
        assert ("TiKV is ready to serve" in text) == name.startswith("tikv")
        assert all(line.split("] [")[1] in ("INFO", "WARN") for line in text.splitlines())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_every_node_leaves_with_status_0_when_told_to(make_cluster, number):
    cluster = make_cluster()
    cluster.start()
    cluster.until_steady()
    for node in [*cluster.stores, *cluster.members]:
        node.process.send_signal(number)
        assert node.process.wait(30) == 0
        assert "Traceback" not in node.log.read_text()


def test_a_store_that_waits_for_pd_leaves_when_told_to(make_cluster):
    cluster = make_cluster(members=1, stores=1)
    [store] = cluster.stores
    store.start()
    cluster.until(lambda: "PD failed to respond" in store.log.read_text(), True)
    assert store.leave() == 0


def test_a_store_waits_for_pd_and_joins_when_it_comes(make_cluster):
    cluster = make_cluster(members=1, stores=1)
    [store] = cluster.stores
    store.start()
    cluster.until(lambda: "PD failed to respond" in store.log.read_text(), True)
    cluster.members[0].start()
    cluster.until(cluster.states, {store.name: "Up"})
