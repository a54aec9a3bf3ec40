"""The tools a model is offered, the calls it makes of them, and how to recognise the one that is a shell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_COMMAND_PROPERTIES = ("command", "cmd", "script", "bash", "input")
_SHELL_NAMES = ("shell", "bash", "exec", "terminal", "command")


@dataclass(frozen=True)
class Tool:
    """A tool as it is offered in a request. `type` is `custom` unless the vendor defines the tool itself."""

    name: str
    schema: Mapping[str, Any] = field(default_factory=dict)
    type: str = "custom"


@dataclass(frozen=True)
class ToolCall:
    """One call of a tool. `id` is empty until the call has been sent."""

    name: str
    input: Mapping[str, Any]
    id: str = ""


def tool_from(offered: Mapping[str, Any]) -> Tool:
    """The tool that one element of a request's `tools` offers."""
    return Tool(
        name=str(offered.get("name", "")),
        schema=offered.get("input_schema") or {},
        type=str(offered.get("type") or "custom"),
    )


def command_property(tool: Tool) -> str | None:
    """The name of the property that takes a command line, or None if this is no shell.

    The vendor's own `bash_…` tools come without a schema; they take `command`.
    """
    if tool.type.startswith("bash_"):
        return "command"
    properties: Mapping[str, Any] = tool.schema.get("properties") or {}
    for name in _COMMAND_PROPERTIES:
        if name in properties and properties[name].get("type") == "string":
            return name
    return None


def shell_tool(tools: Sequence[Tool]) -> Tool | None:
    """The tool to run commands with: one that takes a command, best one that is called a shell."""
    shells = [tool for tool in tools if command_property(tool)]
    named = [tool for tool in shells if any(word in tool.name.lower() for word in _SHELL_NAMES)]
    return next(iter(named or shells), None)


def shell_call(tool: Tool, command: str, *, said: str) -> ToolCall:
    """The call that runs `command`; other required properties get `said` or a harmless value."""
    taken = command_property(tool)
    if taken is None:
        raise ValueError(f"tool {tool.name!r} takes no command")
    properties: Mapping[str, Any] = tool.schema.get("properties") or {}
    others = [name for name in tool.schema.get("required") or () if name != taken]
    return ToolCall(
        tool.name,
        {taken: command, **{name: _filling(properties.get(name) or {}, said) for name in others}},
    )


def _filling(schema: Mapping[str, Any], said: str) -> object:
    if "default" in schema:
        return schema["default"]
    if schema.get("enum"):
        return schema["enum"][0]
    if "minimum" in schema:
        return schema["minimum"]
    harmless: dict[object, object] = {
        "boolean": False,
        "integer": 60,
        "number": 60,
        "array": [],
        "object": {},
    }
    return harmless.get(schema.get("type"), said)
