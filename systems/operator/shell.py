"""The agent's shell: one command at a time, bounded in time and output, nothing left running.

The commands run under a warden process (warden.py), one for each `Shell`, which ends when the shell
is closed or this process dies. Should a command kill its warden, what that had in its charge becomes
this process's, which ends it.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from systems.operator.warden import adopt_orphans, descendants

# What the model is shown of each stream, from its beginning and from its end, in characters.
_SHOWN = 16_384
# More is fetched than is shown, so that a credential that lies across the cut is masked whole.
_MARGIN = 1_024
# Exit status of a command whose time was up, as coreutils' timeout(1) has it.
TIMED_OUT = 124
# An agent told to stop has two seconds in all.
_CLOSING_PATIENCE = 1.5
# A process in uninterruptible sleep cannot be waited for without end, in seconds.
_KILL_PATIENCE = 1.0
_WARDEN = Path(__file__).with_name("warden.py")


class ShellError(Exception):
    """The shell itself failed; the text says how. No statement about the command is possible."""


@dataclass(frozen=True)
class Result:
    """What came of one command."""

    exit_status: int  # 128 + N when signal N ended it, TIMED_OUT when its time was up
    text: str  # for the model: the first line is `exit status N`, then the output


class Shell:
    """Runs commands in `environment`. To be used as an async context manager, by one task."""

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        timeout: float,
        mask: Callable[[str], str],
        lifeline: Sequence[int] = (),
    ) -> None:
        """`timeout`: seconds that a command may take. `mask`: removes credentials from output.

        `lifeline`: descriptors that the warden holds open until nothing runs any more.
        """
        self._environment = {
            name: value for name, value in environment.items() if not name.startswith("ANTHROPIC_")
        }
        self._timeout = timeout
        self._mask = mask
        self._lifeline = lifeline
        self._warden: asyncio.subprocess.Process | None = None
        self._others: set[int] = set()

    async def __aenter__(self) -> "Shell":
        adopt_orphans()
        self._others = descendants()
        self._warden = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            str(_WARDEN),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=self._environment,
            # Ctrl-C at the terminal is for the agent, which then ends the commands itself.
            start_new_session=True,
            pass_fds=self._lifeline,
            limit=64 * (_SHOWN + _MARGIN),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the running command, all that is left of earlier ones, and the warden."""
        warden = self._warden
        if warden is None or warden.stdin is None:
            return
        warden.stdin.close()
        # The warden's end means that nothing is left. Should something resist SIGKILL, the agent
        # still leaves in time, and the warden stays to deal with it.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(warden.wait(), _CLOSING_PATIENCE)

    async def run(self, command: str) -> Result:
        """Run `command` with bash, or sh where there is no bash. Raises `ShellError`."""
        warden = self._warden
        if warden is None or warden.stdin is None or warden.stdout is None:
            raise ShellError("the shell is not open")
        request = {"command": command, "timeout": self._timeout, "keep": _SHOWN + _MARGIN}
        line = b""
        with contextlib.suppress(ConnectionError):
            warden.stdin.write(json.dumps(request).encode() + b"\n")
            await warden.stdin.drain()
            line = await warden.stdout.readline()
        if not line:
            await warden.wait()
            await self._end_orphans()
            raise ShellError("the process that runs the commands has died, and they with it")
        answer = json.loads(line)
        if "error" in answer:
            raise ShellError(answer["error"])
        return self._result(answer)

    async def _end_orphans(self) -> None:
        """Kill what a dead warden has left."""
        deadline = time.monotonic() + _KILL_PATIENCE
        orphans: set[int] = set()
        while (left := descendants() - self._others) and time.monotonic() < deadline:
            orphans |= left
            for pid in left:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(0.001)
        _reap(orphans)

    def _result(self, answer: Mapping[str, object]) -> Result:
        status = answer["status"]
        if not isinstance(status, int):
            raise ShellError(f"the process that runs the commands answered {answer!r}")
        if answer["timed_out"]:
            status = TIMED_OUT
        elif status < 0:
            status = 128 - status
        lines = [f"exit status {status}"]
        if answer["timed_out"]:
            lines.append(
                f"[timed out after {self._timeout:g} s; the command and everything it had started"
                " were killed]"
            )
        elif answer["left"]:
            lines.append(
                f"[{answer['left']} process(es) it left running were killed; a command's processes"
                " end with it]"
            )
        stdout, stderr = (self._shown(answer[name]) for name in ("stdout", "stderr"))
        if stdout:
            lines.append(stdout)
        if stderr:
            lines.extend(["[standard error]", stderr])
        return Result(status, "\n".join(lines))

    def _shown(self, parts: object) -> str:
        if not isinstance(parts, list):
            raise ShellError(f"the process that runs the commands answered {parts!r}")
        head, tail, dropped = self._mask(parts[0]), self._mask(parts[1]), parts[2]
        # SQLite's own functions and many readers take a NUL for the end of a text.
        head, tail = (part.replace("\0", "\N{REPLACEMENT CHARACTER}") for part in (head, tail))
        if dropped or len(head) > 2 * _SHOWN:
            if not dropped:
                head, tail = head[:-_SHOWN], head[-_SHOWN:]
            cut = dropped + max(0, len(head) - _SHOWN) + max(0, len(tail) - _SHOWN)
            return f"{head[:_SHOWN]}\n[… about {cut} bytes left out …]\n{tail[-_SHOWN:]}".strip("\n")
        return head.rstrip("\n")


def _reap(pids: set[int]) -> None:
    """Take note of the end of those of them that have become our children."""
    for pid in pids:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
