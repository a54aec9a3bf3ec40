"""The stack's side of `stackctl`: serves it on a unix socket and notes every change it makes.

A run that joins the stack asks on the same socket, in words of its own (`suite …`), where everything is
and what has been changed; what it starts and stops itself is no change.

`install` puts the command into a directory of its own, so that it can be the one thing of this suite
that an operator finds on its PATH.
"""

import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType

import anyio
from anyio.abc import SocketStream

from support.stacks import stackctl
from support.stacks.stack import Change, Node

_USAGE = 2
_REFUSED = 1


class _Failed(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def install(directory: Path) -> Path:
    """Write the `stackctl` command into `directory` and return its path."""
    command = directory / "stackctl"
    source = Path(stackctl.__file__).read_text(encoding="utf-8")
    command.write_text(f"#!{sys.executable} -IS\n{source}", encoding="utf-8")
    command.chmod(0o755)
    return command


@asynccontextmanager
async def serve_stackctl(
    path: Path,
    nodes: Mapping[str, Node],
    on_change: Callable[[Change], None],
    *,
    for_suite: Mapping[str, Callable[[], object]] = MappingProxyType({}),
) -> AsyncIterator[None]:
    """Answer `stackctl` on the unix socket `path` until the block is left.

    `for_suite` answers a run that joins the stack: what to tell, as JSON, by the name it is asked by.
    """
    listener = await anyio.create_unix_listener(path, mode=0o600)

    async def answer(connection: SocketStream) -> None:
        async with connection:
            try:
                arguments = json.loads(await _line(connection))
                if arguments[:1] == ["suite"]:
                    out = await _run_for_suite(arguments[1:], nodes, for_suite)
                else:
                    out = await _run(arguments, nodes, on_change)
                reply: dict[str, object] = {"status": 0, "out": out, "err": ""}
            except _Failed as failure:
                reply = {"status": failure.status, "out": "", "err": f"stackctl: {failure}\n"}
            except (ValueError, anyio.EndOfStream):
                reply = {"status": _USAGE, "out": "", "err": "stackctl: not a request\n"}
            try:
                await connection.send(json.dumps(reply).encode())
            except anyio.BrokenResourceError:
                return  # the caller is gone; what it asked for is done all the same

    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, answer)
        yield
        tasks.cancel_scope.cancel()


async def _line(connection: SocketStream) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        line += await connection.receive()
        if len(line) > 65536:
            raise ValueError("request too long")
    return line


async def _run(arguments: list[str], nodes: Mapping[str, Node], on_change: Callable[[Change], None]) -> str:
    match arguments:
        case ["ps"]:
            width = max(len(name) for name in nodes)
            return "".join(f"{name:<{width}}  {node.state}\n" for name, node in nodes.items())
        case ["logs", name]:
            return _text(_node(nodes, name).logs(50))
        case ["logs", name, lines] if lines.isdigit():
            return _text(_node(nodes, name).logs(int(lines)))
        case ["inspect", name]:
            return json.dumps(_node(nodes, name).inspect(), indent=2) + "\n"
        case [("start" | "stop" | "restart") as verb, name]:
            node = _node(nodes, name)
            on_change(Change(wall=time.time(), what=f"stackctl {verb} {name}"))
            await _do(verb, node)
            return f"{name}: {node.state}\n"
    raise _Failed(_USAGE, f"wrong usage: {' '.join(map(str, arguments))} (see stackctl --help)")


async def _run_for_suite(
    arguments: list[str], nodes: Mapping[str, Node], tell: Mapping[str, Callable[[], object]]
) -> str:
    match arguments:
        case [("start" | "stop") as verb, name]:
            await _do(verb, _node(nodes, name))
            return ""
        case [name] if name in tell:
            return json.dumps(tell[name]())
    raise _Failed(_USAGE, f"not a question: {' '.join(map(str, arguments))}")


async def _do(verb: str, node: Node) -> None:
    steps: Mapping[str, tuple[Callable[[], Awaitable[None]], ...]] = {
        "start": (node.start,),
        "stop": (node.stop,),
        "restart": (node.stop, node.start),
    }
    try:
        for step in steps[verb]:
            await step()
    except Exception as error:  # whatever went wrong, the person at the terminal must read it
        raise _Failed(_REFUSED, f"cannot {verb} {node.name}: {error}") from error


def _node(nodes: Mapping[str, Node], name: str) -> Node:
    try:
        return nodes[name]
    except KeyError:
        raise _Failed(_USAGE, f"no node {name}; there are {', '.join(nodes)}") from None


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
