"""Replicas of several groups on one node, kept in touch with those on the other nodes over HTTP."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from time import monotonic

from systems.tikv.consensus.replica import Message, NotLeaderError, Replica
from systems.tikv.http_client import HttpClient, UnreachableError
from systems.tikv.http_server import Request, Response
from systems.tikv.timing import Pace

_PREFIX = "/raft/"


class Replication:
    """Lets the replicas of a node elect and follow leaders, for as long as `run` runs.

    `address` gives the URL of another node, None while it is not known. One message to each peer
    carries what all groups have for it.
    """

    def __init__(
        self,
        http: HttpClient,
        address: Callable[[int], str | None],
        pace: Pace,
        *,
        stopping: Callable[[], bool],
    ) -> None:
        self._http = http
        self._address = address
        self._pace = pace
        self._stopping = stopping
        self._replicas: dict[int, Replica] = {}
        self._links: dict[int, asyncio.Event] = {}
        self._sooner = asyncio.Event()
        self._changed: asyncio.Future[None] | None = None
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Keep time until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for peer in self._links:
                tasks.create_task(self._link(peer))
            await self._clock()

    def add(self, replica: Replica) -> None:
        """Take part in one more group."""
        self._replicas[replica.group] = replica
        for peer in replica.peers:
            if peer not in self._links:
                self._links[peer] = asyncio.Event()
                if self._tasks:
                    self._tasks.create_task(self._link(peer))
        self._sooner.set()

    async def changed(self, *, within: float | None = None) -> None:
        """Wait until something is kept or somebody gains or loses leadership, `within` seconds at most."""
        if self._changed is None or self._changed.done():
            self._changed = asyncio.get_running_loop().create_future()
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await asyncio.shield(self._changed)

    async def propose(self, replica: Replica, changes: Mapping[str, str | None]) -> None:
        """Change the map of `replica`; return when a majority has kept it. Raises NotLeaderError."""
        index = replica.propose(changes, monotonic())
        self._wake(replica)
        await self._kept(replica, index)

    async def settled(self, replica: Replica) -> None:
        """Return when all that a reader can see now is kept by a majority. Raises NotLeaderError."""
        if not replica.serves(monotonic()):
            raise NotLeaderError
        await self._kept(replica, replica.journal.last.place)
        if not replica.serves(monotonic()):
            raise NotLeaderError

    async def hand_over(self, replica: Replica, to: int) -> bool:
        """Let the peer `to` lead; say whether it was told to. Raises NotLeaderError."""
        if not replica.serves(monotonic()):
            raise NotLeaderError
        if to not in replica.answered_lately(monotonic()):
            return False
        replica.pause_for_hand_over(True)
        deadline = monotonic() + self._pace.lease
        try:
            while replica.behind(to) or replica.committed < replica.journal.last.place:
                if not replica.serves(monotonic()) or monotonic() > deadline:
                    return False
                self._wake(replica)
                await self.changed(within=self._pace.beat)
        finally:
            replica.pause_for_hand_over(False)
        term = replica.term
        replica.hand_over(monotonic())
        self._notify()
        reply = await self._ask(to, "campaign", {"group": replica.group, "term": term})
        return reply is not None and bool(reply["granted"])

    async def answer(self, request: Request) -> Response | None:
        """Answer what another node sent; None when the request is not of this kind."""
        if not request.path.startswith(_PREFIX) or request.method != "POST":
            return None
        body = request.json()
        now = monotonic()
        match request.path.removeprefix(_PREFIX):
            case "append":
                messages: list[Message] = body["messages"]  # type: ignore[assignment]
                return _json(
                    {"replies": [reply for each in messages if (reply := self._on_message(each, now))]}
                )
            case "vote":
                replica = self._replicas.get(body["group"])  # type: ignore[call-overload]
                refusal: Message = {"term": 0, "granted": False}
                return _json(replica.on_ballot(body, now) if replica else refusal)
            case "campaign":
                return _json({"granted": self._on_campaign(body)})
        return None

    def _on_message(self, message: Message, now: float) -> Message | None:
        replica = self._replicas.get(message["group"])
        if not replica:
            return None
        before = (replica.leader(now), replica.term, replica.journal.last)
        reply = replica.on_message(message, now)
        if (replica.leader(now), replica.term, replica.journal.last) != before:
            self._notify()
        return reply

    def _on_campaign(self, message: Message) -> bool:
        replica = self._replicas.get(message["group"])
        if not replica or replica.term != message["term"] or self._stopping() or not self._tasks:
            return False
        self._tasks.create_task(self._campaign(replica, handed_over=True))
        return True

    async def _clock(self) -> None:
        while True:
            self._sooner.clear()
            now = monotonic()
            for replica in self._replicas.values():
                led = replica.leads
                if replica.tick(now) and self._tasks and not self._stopping():
                    self._tasks.create_task(self._campaign(replica, handed_over=False))
                if led != replica.leads:
                    self._notify()
            due = min((replica.deadline(now) for replica in self._replicas.values()), default=now + 1.0)
            with suppress(TimeoutError):
                async with asyncio.timeout(max(due - now, 0.005)):
                    await self._sooner.wait()

    async def _campaign(self, replica: Replica, *, handed_over: bool) -> None:
        if not handed_over and not await self._poll(replica, trial=True, handed_over=False):
            return
        if replica.leads:
            return
        replica.stand()
        term = replica.term
        elected = await self._poll(replica, trial=False, handed_over=handed_over)
        if elected and replica.term == term and replica.journal.voted_for == replica.me:
            replica.lead(monotonic())
            self._wake(replica)
            self._notify()
            self._sooner.set()

    async def _poll(self, replica: Replica, *, trial: bool, handed_over: bool) -> bool:
        ballot = replica.ballot(trial=trial, handed_over=handed_over)
        votes = 1
        if replica.won(votes):
            return True
        asked = [asyncio.create_task(self._ask(peer, "vote", ballot)) for peer in replica.peers]
        try:
            for answered in asyncio.as_completed(asked):
                if reply := await answered:
                    replica.learn_term(reply["term"], monotonic())
                    votes += bool(reply["granted"])
                    if replica.won(votes):
                        return True
        finally:
            for task in asked:
                task.cancel()
        return False

    async def _link(self, peer: int) -> None:
        wake = self._links[peer]
        while True:
            wake.clear()
            led = [each for each in self._replicas.values() if each.leads and peer in each.peers]
            if not led:
                await wake.wait()
                continue
            sent = monotonic()
            reply = await self._ask(peer, "append", {"messages": [each.message_for(peer) for each in led]})
            now = monotonic()
            lacking = False
            for each in reply["replies"] if reply else []:
                replica = self._replicas[each["group"]]
                before = (replica.committed, replica.leads, replica.behind(peer))
                replica.on_reply(peer, each, sent=sent, now=now)
                lacking |= replica.leads and replica.behind(peer)
                if before != (replica.committed, replica.leads, replica.behind(peer)):
                    self._notify()
            if not lacking:
                # All links beat together: a node that wakes once for several messages idles cheaper.
                due = (sent // self._pace.beat + 1) * self._pace.beat
                with suppress(TimeoutError):
                    async with asyncio.timeout(max(due - now, 0.005)):
                        await wake.wait()

    async def _ask(self, peer: int, what: str, message: Message) -> Message | None:
        url = self._address(peer)
        if url is None:
            return None
        body = json.dumps(message).encode()
        try:
            answer = await self._http.ask(
                url + _PREFIX + what, method="POST", body=body, within=self._pace.lease
            )
            return answer.json() if answer.status == 200 else None
        except UnreachableError:
            return None

    async def _kept(self, replica: Replica, index: int) -> None:
        term = replica.term
        while replica.committed < index:
            if not replica.serves(monotonic()) or replica.term != term:
                raise NotLeaderError
            await self.changed(within=self._pace.beat)

    def _wake(self, replica: Replica) -> None:
        for peer in replica.peers:
            self._links[peer].set()

    def _notify(self) -> None:
        if self._changed and not self._changed.done():
            self._changed.set_result(None)


def _json(found: object) -> Response:
    return Response(200, json.dumps(found).encode(), "application/json")
