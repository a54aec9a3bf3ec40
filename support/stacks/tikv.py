"""The TiKV stack: three PD members and three stores, and what they are seen to be.

What is observed comes from PD, and from reading and writing data.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import anyio
import httpx

from support.stacks.control import install as install_stackctl
from support.stacks.pd import Pd
from support.stacks.prometheus import Prometheus
from support.stacks.stack import Node, NotSteady, Stack
from support.stacks.tikv_links import TikvLinks
from support.verdict import BrokenBed, NotVerified

PD_NAMES = ("pd0", "pd1", "pd2")
STORE_NAMES = ("tikv0", "tikv1", "tikv2")

_JOINED = "a stack that was joined has no links of the suite's own; run without -D join and -D project"
_NO_DATA = "the suite does not speak gRPC, and without it no data of a real TiKV can be written or read"
_LATENCY = "histogram_quantile(0.99, sum by (le) (rate(tikv_grpc_msg_duration_seconds_bucket[5s])))"
_SETTLES_WITHIN = 10.0
"""Seconds that a busy machine may add."""
_SETTLES_WITHIN_REAL = 100.0
"""Seconds more at real times: PD elects for up to 15 s, leaders move within 20 s, heartbeats take 10 s."""
_CLIENT_PATIENCE_REAL = 20.0
"""Seconds at real times for which whoever reads or writes asks again while a region elects."""
_PROBE = "acceptance-probe"
_FULL = 0.7


class _ForGood(str):
    """A problem that does not pass by itself: the cluster is not made of what it was made of."""

    __slots__ = ()


class TikvStack(Stack):
    """PD members and stores, however they are run.

    `pd_urls` are the members' client URLs by node and `addresses` the stores' host:port by node, past the
    links; `endpoint` and `advertised` are what the operator and the nodes use, by way of them. `times` says
    how many times shorter than the real ones the cluster's times are, 1 for a real cluster. Each node keeps
    its data in `directory`, below its name; `capacity` is the size in bytes of a store's disk, None for
    that of the machine. `keeps_data` says whether data can be written and read over HTTP, as the stand-ins
    have it; a real store has gRPC for that. `links` is None where others own them.
    """

    subject = "tikv"

    def __init__(
        self,
        nodes: Mapping[str, Node],
        *,
        pd_urls: Mapping[str, str],
        endpoint: str,
        addresses: Mapping[str, str],
        advertised: Mapping[str, str],
        links: TikvLinks | None,
        times: float,
        directory: Path,
        capacity: int | None,
        keeps_data: bool,
        substitutes: tuple[str, ...],
        control: Path | None = None,
        prometheus: Prometheus | None = None,
    ) -> None:
        super().__init__(nodes)
        self.pd_urls = dict(pd_urls)
        self.addresses = dict(addresses)
        self.advertised = dict(advertised)
        self._links = links
        self._endpoint = endpoint
        self.times = times
        self.directory = directory
        self.capacity = capacity
        self.keeps_data = keeps_data
        self.substitutes = substitutes
        self._control = control
        self._prometheus = prometheus
        self._http = httpx.AsyncClient(timeout=5, verify=False, trust_env=False)  # loopback only
        self.pd = Pd(self._http, self.pd_urls, {address: name for name, address in advertised.items()})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let go of the connections; the nodes are left to whoever runs them."""
        with anyio.CancelScope(shield=True):
            await self._http.aclose()

    def install_tools(self, directory: Path) -> None:
        install_stackctl(directory)

    @property
    def links(self) -> TikvLinks:
        """The ways between the nodes. Raises NotVerified when they are not the suite's own."""
        if self._links is None:
            raise NotVerified(_JOINED)
        return self._links

    @property
    def settles_within(self) -> float:
        """Seconds that its nodes may take to agree with each other: some heartbeats, elections and moves."""
        return _SETTLES_WITHIN + _SETTLES_WITHIN_REAL / self.times

    @property
    def environment(self) -> Mapping[str, str]:
        control = {"STACKCTL_SOCKET": str(self._control)} if self._control else {}
        metrics = {"PROMETHEUS_URL": self._prometheus.url} if self._prometheus else {}
        return {"PD_ENDPOINT": self._endpoint, **control, **metrics}

    async def reset(self) -> None:
        """Forget what was witnessed; data written by a scenario have keys of their own."""
        self.forget_changes()

    async def steady(self, *, within: float) -> None:
        problems = ["nothing was observed yet"]
        with anyio.move_on_after(within):
            while problems := await self.problems():
                if any(isinstance(problem, _ForGood) for problem in problems):
                    raise NotSteady("the TiKV stack is not what it was: " + "; ".join(problems))
                await anyio.sleep(0.05)
        if problems:
            raise NotSteady(
                f"the TiKV stack is not in its steady state after {within:g} s: " + "; ".join(problems)
            )

    async def problems(self) -> list[str]:
        """What is wrong with the stack at this moment, each in a few words; empty is the steady state."""
        found = [f"{n.name} is {n.state}" for n in self._nodes.values() if n.state != "running"]
        try:
            found += await self._problems_of_pd()
            found += await self._problems_of_stores()
            if self._prometheus:
                found += await self._prometheus.problems(self._http)
            if not found and self.keeps_data:
                await self.write(_PROBE, "steady")
                if await self.read(_PROBE) != "steady":
                    found.append("what was written cannot be read")
        except (httpx.HTTPError, KeyError, ValueError) as error:
            found.append(f"{type(error).__name__} {error}".rstrip())
        return found

    async def fill_disk(self, store: str, size: int) -> None:
        """Use so many bytes more of a store's disk."""
        ballast = self._ballast(store)
        ballast.touch()
        with ballast.open("rb+") as file:
            file.truncate(size)

    async def disk_filled(self, store: str) -> bool:
        """Whether what `fill_disk` has used is used still."""
        return self._ballast(store).exists()

    async def free_disk(self, store: str) -> None:
        """Give back what `fill_disk` has used, if anything."""
        self._ballast(store).unlink(missing_ok=True)

    def _ballast(self, store: str) -> Path:
        return self.directory / store / "ballast"

    async def all_lead(self) -> None:
        """Wait until every store leads a region. Raises BrokenBed when PD does not see to that in time."""
        idle = ["nothing was observed yet"]
        with anyio.move_on_after(self.settles_within):
            while idle := [name for name, store in (await self.pd.stores()).items() if not store.leaders]:  # noqa: ASYNC110
                await anyio.sleep(0.05)
        if idle:
            raise BrokenBed(f"{', '.join(idle)} led no region within {self.settles_within:g} s")

    async def latency(self) -> float:
        """Seconds that the slowest of a hundred requests took lately, as Prometheus knows; 0 without any.

        Raises httpx.HTTPError, or NotVerified without a Prometheus.
        """
        if self._prometheus is None:
            raise NotVerified("this stack has no Prometheus that would know")
        return await self._prometheus.value(self._http, _LATENCY) or 0.0

    async def write(self, key: str, value: str) -> None:
        """Store a value through the first store that takes it. Raises httpx.HTTPError, or NotVerified."""
        await self._through_any("PUT", key, value)

    async def read(self, key: str) -> str:
        """Read a value through the first store that answers. Raises httpx.HTTPError, or NotVerified."""
        return (await self._through_any("GET", key)).text

    async def kept(self, key: str) -> str | None:
        """What is stored under a key; None is nothing. Raises httpx.HTTPError, or NotVerified."""
        try:
            return await self.read(key)
        except httpx.HTTPStatusError as error:
            if error.response.status_code == httpx.codes.NOT_FOUND:
                return None
            raise

    async def remove(self, key: str) -> None:
        """Store nothing under a key. Raises httpx.HTTPError, or NotVerified."""
        await self._through_any("DELETE", key)

    async def state(self) -> Mapping[str, str]:
        """Its nodes, stores and members, and how PD is set, by name."""
        state = {f"node {node.name}": f"{node.state}, {node.incarnation}" for node in self._nodes.values()}
        for name, store in (await self.pd.stores()).items():
            state[f"store {name}"] = f"id {store.id}, {store.address}"
        for member in (await self.pd.get("/members"))["members"]:
            state[f"PD member {member['name']}"] = f"id {member['member_id']}, {member['client_urls']}"
        for name, value in (await self.pd.settings()).items():
            state[f"PD setting {name}"] = value
        return state

    async def _problems_of_pd(self) -> list[str]:
        health = {each["name"]: each["health"] for each in await self.pd.get("/health")}
        found = [f"PD member {name} is not healthy" for name in PD_NAMES if not health.get(name)]
        found += [_ForGood(f"there is a PD member {name}") for name in health if name not in PD_NAMES]
        await self.pd.leader()
        return found

    async def _problems_of_stores(self) -> list[str]:
        stores = await self.pd.stores()
        found = [f"store {name} is not registered" for name in STORE_NAMES if name not in stores]
        for name, store in stores.items():
            if name not in STORE_NAMES:
                found.append(_ForGood(f"there is a store {name}"))
            elif store.state_name in ("Offline", "Tombstone"):
                found.append(_ForGood(f"store {name} is {store.state_name}"))
            elif store.state_name != "Up":
                found.append(f"store {name} is {store.state_name}")
        found += [
            f"the disk of store {name} is {s.used:.0%} full" for name, s in stores.items() if s.used > _FULL
        ]
        regions = (await self.pd.get("/regions"))["regions"] or []
        if not regions:
            found.append("there are no regions yet")
        for region in regions:
            peers = len(region.get("peers") or ())
            if peers != len(STORE_NAMES) or not (region.get("leader") or {}).get("store_id"):
                found.append(f"region {region['id']} has {peers} peers and leader {region.get('leader')}")
        return found

    async def _through_any(self, method: str, key: str, value: str | None = None) -> httpx.Response:
        if not self.keeps_data:
            raise NotVerified(_NO_DATA)
        patience = time.monotonic() + _CLIENT_PATIENCE_REAL / self.times
        while True:
            problem: httpx.HTTPError | None = None
            for address in self.addresses.values():
                try:
                    answer = await self._http.request(
                        method, f"http://{address}/kv/{quote(key, safe='')}", content=value
                    )
                    answer.raise_for_status()
                except httpx.HTTPError as error:
                    problem = error
                else:
                    return answer
            assert problem is not None
            if not _elects(problem) or time.monotonic() > patience:
                raise problem
            await anyio.sleep(0.02)


def _elects(problem: httpx.HTTPError) -> bool:
    """Whether a region has no leader at this moment."""
    return (
        isinstance(problem, httpx.HTTPStatusError)
        and problem.response.status_code == httpx.codes.SERVICE_UNAVAILABLE
    )
