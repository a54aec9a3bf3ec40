"""The process in which the agent's commands run, and which sees to it that none outlives its turn.

Run as a program of its own, `python -I -S warden.py`: it reads one request per line on standard
input, `{"command", "timeout", "keep"}`, and answers with one line on standard output, a `Result` of
shell.py. Whatever a command leaves behind becomes this process's child, however often it forked or
called setsid (prctl(2), PR_SET_CHILD_SUBREAPER), so "no child left" means nothing is left. When the
agent is done or dies, even by SIGKILL, standard input ends: everything is killed, and the warden
leaves. It imports nothing of the operator, to be up in some 20 ms.
"""

import ctypes
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from typing import IO

_PR_SET_CHILD_SUBREAPER = 36
_CHUNK = 65536
# A process in uninterruptible sleep cannot be waited for without end, in seconds.
_KILL_PATIENCE = 5.0
# What a command leaves running may be about to end, such as `>(…)` of bash, in seconds.
_GRACE = 0.3
# How long after a command's end its own output may still be on its way, in seconds. Only a process
# that could not be killed can hold the pipe open that long.
_DRAIN_PATIENCE = 1.0


class _AgentGoneError(Exception):
    """Standard input has ended: there is nobody to run anything for."""


class _Kept:
    """The beginning and the end of a stream, `keep` bytes of each; what lies between is counted."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self.dropped = 0

    def add(self, data: bytes) -> None:
        room = self._keep - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        if not data:
            return
        self._tail.append(data)
        self._tail_size += len(data)
        while self._tail_size - len(self._tail[0]) >= self._keep:
            gone = self._tail.popleft()
            self._tail_size -= len(gone)
            self.dropped += len(gone)

    def parts(self) -> tuple[str, str, int]:
        """Head, tail and the number of bytes left out between them."""
        tail = b"".join(self._tail)
        excess = max(0, len(tail) - self._keep)
        if not excess and not self.dropped:
            # One text, so that a character that lies across the two is not torn.
            return (bytes(self._head) + tail).decode(errors="replace"), "", 0
        return (
            self._head.decode(errors="replace"),
            tail[excess:].decode(errors="replace"),
            self.dropped + excess,
        )


def main() -> None:
    """Serve requests until standard input ends."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # Not ignored, which commands would inherit: a signal for the agent's group is the agent's.
        signal.signal(number, lambda *_: None)
    adopt_orphans()
    try:
        for line in sys.stdin.buffer:
            request = json.loads(line)
            answer = _run(request["command"], timeout=request["timeout"], keep=request["keep"])
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
    except (_AgentGoneError, BrokenPipeError):
        pass
    finally:
        _kill_all()
    os._exit(0)  # no flushing of a pipe nobody reads


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends. Raises `OSError`."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER) failed")


def _run(command: str, *, timeout: float, keep: int) -> dict[str, object]:
    shell = shutil.which("bash") or shutil.which("sh")
    if shell is None:
        return {"error": "neither bash nor sh is on the PATH"}
    begun = time.monotonic()
    try:
        process = subprocess.Popen(
            [shell, "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return {"error": f"the command could not be started: {error}"}
    assert process.stdout is not None
    assert process.stderr is not None
    streams: dict[IO[bytes], _Kept] = {process.stdout: _Kept(keep), process.stderr: _Kept(keep)}
    timed_out = _watch(process, streams, deadline=begun + timeout)
    status, left = _end(process)
    _drain(streams)
    out, err = (kept.parts() for kept in streams.values())
    for stream in streams:
        stream.close()
    return {
        "status": status,
        "timed_out": timed_out,
        "stdout": out,
        "stderr": err,
        "left": left,
        "seconds": round(time.monotonic() - begun, 3),
    }


def _watch(process: subprocess.Popen[bytes], streams: dict[IO[bytes], _Kept], *, deadline: float) -> bool:
    """Collect output until the command has ended; whether its time was up before."""
    ended = os.pidfd_open(process.pid)
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(ended, selectors.EVENT_READ)
            selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
            for stream in streams:
                selector.register(stream, selectors.EVENT_READ)
            while True:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    return True
                ready = [key.fileobj for key, _ in selector.select(remaining)]
                if sys.stdin.fileno() in ready:
                    # The agent asks for one command at a time: this can only be the end of it.
                    raise _AgentGoneError
                for stream, kept in streams.items():
                    if stream in ready:
                        data = os.read(stream.fileno(), _CHUNK)
                        kept.add(data)
                        if not data:
                            selector.unregister(stream)
                if ended in ready:
                    return False
    finally:
        os.close(ended)


def _drain(streams: dict[IO[bytes], _Kept]) -> None:
    """Collect what was still in the pipes when the command and all it started had ended."""
    deadline = time.monotonic() + _DRAIN_PATIENCE
    for stream, kept in streams.items():
        os.set_blocking(stream.fileno(), False)
        while time.monotonic() < deadline:
            try:
                data = os.read(stream.fileno(), _CHUNK)
            except BlockingIOError:
                break
            if not data:
                break
            kept.add(data)


def _end(process: subprocess.Popen[bytes]) -> tuple[int, int]:
    """End the command and all it started; its exit status and how many others there were to end."""
    others = 0
    if process.poll() is None:
        process.kill()
        process.wait()
    elif _any_child():
        deadline = time.monotonic() + _GRACE
        while (others := len(descendants())) and time.monotonic() < deadline:
            time.sleep(0.005)
    _kill_all()
    return process.returncode, others


def _any_child() -> bool:
    """Whether there is any child yet; those that have ended are reaped."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _kill_all() -> None:
    """Kill every descendant, until there is none or one that cannot be killed has had its time."""
    deadline = time.monotonic() + _KILL_PATIENCE
    while time.monotonic() < deadline:
        if not _any_child():
            return
        for pid in descendants():
            try:
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
        time.sleep(0.001)


def descendants() -> set[int]:
    """All living processes whose chain of parents leads to this one."""
    children: dict[int, list[int]] = {}
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            stat = (process / "stat").read_bytes()
        except OSError:
            continue
        # The name in parentheses may itself hold spaces and parentheses (proc(5)).
        state, parent = stat[stat.rindex(b")") + 2 :].split()[:2]
        if state not in (b"Z", b"X"):
            children.setdefault(int(parent), []).append(int(process.name))
    found: set[int] = set()
    heads = [os.getpid()]
    while heads:
        for pid in children.get(heads.pop(), []):
            if pid not in found:
                found.add(pid)
                heads.append(pid)
    return found


if __name__ == "__main__":
    main()
