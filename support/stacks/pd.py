"""PD as the suite asks it: what it says of members and stores, by the HTTP API of PD v8.5.7."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import anyio
import httpx

from support.verdict import BrokenBed

_API = "/pd/api/v1"
_UNITS = {"KiB": 1, "MiB": 2, "GiB": 3, "TiB": 4, "PiB": 5}


@dataclass(frozen=True, kw_only=True)
class StoreState:
    """A store as PD lists it."""

    id: int
    address: str
    state_name: str
    leaders: int
    """The number of regions it leads."""
    used: float
    """Share of its disk that is used; 0 where PD does not say."""


class Pd:
    """The members of one cluster: their URLs, and the stores' names by the address that PD knows."""

    def __init__(self, http: httpx.AsyncClient, urls: Mapping[str, str], stores: Mapping[str, str]) -> None:
        self._http = http
        self._urls = urls
        self._stores = stores

    async def get(self, path: str) -> Any:
        """The answer of the first PD member that has one to GET `/pd/api/v1` + path.

        Raises httpx.HTTPError when none has.
        """
        problem: httpx.HTTPError | None = None
        for url in self._urls.values():
            try:
                answer = await self._http.get(f"{url}{_API}{path}")
                answer.raise_for_status()
                return answer.json()
            except httpx.HTTPError as error:
                problem = error
        assert problem is not None
        raise problem

    async def post(self, path: str) -> None:
        """POST to `/pd/api/v1` + path on the first member that accepts it. Raises BrokenBed without any."""
        for url in self._urls.values():
            with suppress(httpx.HTTPError):
                (await self._http.post(f"{url}{_API}{path}")).raise_for_status()
                return
        raise BrokenBed(f"no PD member accepts POST {path}")

    async def leader(self) -> str:
        """The name of the PD leader. Raises httpx.HTTPError when there is none."""
        return str((await self.get("/leader"))["name"])

    async def leader_other_than(self, name: str, *, within: float = 30) -> str:
        """Wait for a PD leader that is not `name`. Raises BrokenBed after `within` seconds without one."""
        with anyio.move_on_after(within):
            while True:
                with suppress(httpx.HTTPError):
                    leader = await self.leader()
                    if leader != name:
                        return leader
                await anyio.sleep(0.02)
        raise BrokenBed(f"PD has no leader other than {name} after {within:g} s")

    async def stores(self) -> dict[str, StoreState]:
        """The stores by node, as PD lists them. Raises httpx.HTTPError when no member has an answer."""
        listed = (await self.get("/stores"))["stores"] or []
        return {
            self._stores.get(each["store"]["address"], each["store"]["address"]): StoreState(
                id=each["store"]["id"],
                address=each["store"]["address"],
                state_name=each["store"]["state_name"],
                leaders=int((each.get("status") or {}).get("leader_count", 0)),
                used=_used(each.get("status") or {}),
            )
            for each in listed
        }

    async def settings(self) -> dict[str, str]:
        """How PD replicates and schedules, by the full name of each setting. Raises httpx.HTTPError."""
        config = await self.get("/config")
        return dict(_flat({group: config.get(group) for group in ("replication", "schedule")}))


def _flat(tree: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    leaves: list[tuple[str, str]] = []
    for name, value in tree.items():
        if isinstance(value, dict):
            leaves += _flat(value, f"{prefix}{name}.")
        else:
            leaves.append((prefix + name, str(value)))
    return leaves


def _used(status: Mapping[str, Any]) -> float:
    capacity, available = _bytes(status.get("capacity")), _bytes(status.get("available"))
    return 1 - available / capacity if capacity else 0.0


def _bytes(size: object) -> float:
    """What PD writes as "183.1GiB" or "512B"; 0 for anything else."""
    text = str(size)
    power = _UNITS.get(text[-3:])
    try:
        return float(text[:-3]) * 1024**power if power else float(text.removesuffix("B"))
    except ValueError:
        return 0.0
