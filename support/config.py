"""Every setting of a run, in one place, with one rule of precedence.

`-D name=value` on the command line wins over `ACCEPTANCE_NAME` in the environment, which wins over
`[tool.behave.userdata]` in pyproject.toml, which wins over the default. A name or a value that is not
known is an error before anything starts.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "stack": ("process", "docker", "native"),
    "operator_in": ("host", "container"),
    "model": ("double", "live", "record", "replay"),
    "allow_host_shell": ("yes", "no"),
    "gate": ("default", "all"),
}
_DEFAULTS: Mapping[str, str] = {
    "stack": "process",
    "model": "double",
    "operator": "",
    "sabotage": "",
    "join": "",
    "project": "",
    "operator_in": "host",
    "tikv_bin": "",
    "reports": "reports",
    "allow_host_shell": "no",
    "budget": "5",
    "price": "",
    "recordings": "recordings",
    "gate": "default",
}


class SettingError(Exception):
    """A setting has a name or a value that this suite does not know; the message says what to write."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one run; paths are absolute."""

    stack: str
    """What a stack is made of: `process`; `docker` for containers; `native` for the TiKV binaries of this
    machine."""
    model: str
    """The LLM behind the agent: `double`, the scripted stand-in; `live`, the real one; `record`, the real one
    whose answers are kept; `replay`, the answers that were kept."""
    operator: Path | None
    """The profile of the operator under test; None is the built-in one."""
    sabotage: str | None
    """The name of a deliberately bad operator to run against, from `support/sabotage/`."""
    join: Path | None
    """The control socket of a stack that runs already, to be used in place of new ones."""
    tikv_bin: Path | None
    """Where `pd-server` and `tikv-server` are for `native`; None is the PATH."""
    reports: Path
    """The directory that the run writes its reports to."""
    project: str | None = None
    """The compose project of a stack that runs already, to be used in place of new ones."""
    operator_in: Literal["host", "container"] = "host"
    """Where the operator runs: on this machine, or in containers beside the stack."""
    allow_host_shell: bool = False
    """Whether a real model may run commands on this machine."""
    budget: float = 5.0
    """US$ that a real model may cost in the whole run."""
    price: tuple[float, float] | None = None
    """US$ for a million tokens in and a million out; None: the price that is known for the model."""
    recordings: Path = Path("recordings")
    """The directory that answers of a real model are kept in."""
    gate: Literal["default", "all"] = "default"
    """What makes a run red: `default` or, for a release, `all` that is not proven."""


def load_settings(
    *,
    defines: Mapping[str, str],
    environ: Mapping[str, str],
    file: Mapping[str, str],
    base: Path,
) -> Settings:
    """Merge the sources of settings by precedence; relative paths are taken from `base`.

    Raises SettingError for a name or a value that is not known.
    """
    prefix = "ACCEPTANCE_"
    from_environ = {
        name.removeprefix(prefix).lower(): value for name, value in environ.items() if name.startswith(prefix)
    }
    chosen = dict(_DEFAULTS)
    for written, source in (
        ("{} in [tool.behave.userdata]", file),
        ("ACCEPTANCE_{} in the environment", from_environ),
        ("-D {}", defines),
    ):
        for name, value in source.items():
            shown = written.format(name.upper() if source is from_environ else name)
            _check(name, value, shown)
            chosen[name] = value
    _fits_together(chosen)
    return Settings(
        stack=chosen["stack"],
        model=chosen["model"],
        operator=base / chosen["operator"] if chosen["operator"] else None,
        sabotage=chosen["sabotage"] or None,
        join=base / chosen["join"] if chosen["join"] else None,
        tikv_bin=base / Path(chosen["tikv_bin"]).expanduser() if chosen["tikv_bin"] else None,
        reports=base / chosen["reports"],
        project=chosen["project"] or None,
        operator_in="container" if chosen["operator_in"] == "container" else "host",
        allow_host_shell=chosen["allow_host_shell"] == "yes",
        budget=float(chosen["budget"]),
        price=_price(chosen["price"]),
        recordings=base / chosen["recordings"],
        gate="all" if chosen["gate"] == "all" else "default",
    )


def _fits_together(chosen: Mapping[str, str]) -> None:
    if chosen["stack"] == "docker":
        if chosen["join"]:
            raise SettingError(
                "join: is about a stack of processes; join one of containers with project=NAME"
            )
        return
    for name in ("project", "operator_in"):
        if chosen[name] != _DEFAULTS[name]:
            raise SettingError(f"{name}={chosen[name]}: is about containers; it needs stack=docker as well")


def _check(name: str, value: str, shown: str) -> None:
    if name not in _DEFAULTS:
        near = get_close_matches(name, _DEFAULTS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known settings: {', '.join(_DEFAULTS)}"
        raise SettingError(f"{shown}: there is no such setting; {hint}")
    choices = _CHOICES.get(name)
    if choices and value not in choices:
        raise SettingError(f"{shown}={value}: not one of {', '.join(choices)}")
    if name in ("reports", "recordings") and not value:
        raise SettingError(f"{shown}: names no directory")
    if name == "budget" and not re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        raise SettingError(f"{shown}={value}: not a number of US$")
    if name == "price":
        try:
            _price(value)
        except ValueError:
            raise SettingError(
                f"{shown}={value}: not US$ for a million tokens in and out, such as 3/15"
            ) from None


def _price(text: str) -> tuple[float, float] | None:
    if not text:
        return None
    tokens_in, tokens_out = map(float, text.split("/"))
    return tokens_in, tokens_out
