"""What is broken on purpose in one scenario: how things stood before, what holds again, and the undoing."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import anyio
import httpx
from hamcrest import empty
from redis.exceptions import RedisError

from support.evidence.eventually import expect
from support.evidence.matchers import unchanged_from
from support.evidence.spent import Spent
from support.evidence.timeline import Timeline
from support.faults.fault import Fault
from support.stacks.stack import NotSteady, Stack
from support.verdict import BrokenBed, NotVerified

_SHOWN_WITHIN = 30.0
_HEALED_WITHIN = 60.0


@dataclass(frozen=True, kw_only=True)
class Injected:
    """Faults that were put in place together: when, and how things stood before.

    `wall` is in seconds since the epoch, `at` in monotonic nanoseconds.
    """

    faults: tuple[Fault, ...]
    wall: float
    at: int
    before: Mapping[str, str]


class Breakage:
    """All faults of one scenario, from the first that is begun to the last that is healed."""

    def __init__(self, timeline: Timeline, spent: Spent) -> None:
        self.injected: Injected | None = None
        """The latest faults."""
        self._timeline = timeline
        self._spent = spent
        self._begun: list[Fault] = []

    @property
    def begun(self) -> bool:
        """Whether there is anything to heal."""
        return bool(self._begun)

    async def inject(self, stack: Stack, faults: tuple[Fault, ...]) -> None:
        """Put faults in place, all at once, and return when the stack itself shows them.

        Raises BrokenBed when that cannot be done, or when they never show.
        """
        try:
            with self._spent.on("stack"):
                await self._put_in_place(stack, faults)
            with self._spent.on("waiting"):  # it takes a cluster its time to see what has happened to it
                for fault in faults:
                    await self._shown(fault)
        except (BrokenBed, NotVerified):
            raise
        except Exception as error:  # whatever it is, it is not the operator's
            titles = ", and ".join(fault.title for fault in faults)
            raise BrokenBed(f"{titles}: this could not be done: {type(error).__name__}: {error}") from error

    async def _put_in_place(self, stack: Stack, faults: tuple[Fault, ...]) -> None:
        for fault in faults:
            self._begun.append(fault)  # before it is begun: half a fault has to be healed, too
            await fault.prepare()
        before = await stack.state()
        self.injected = Injected(faults=faults, wall=float("inf"), at=0, before=before)
        at = time.monotonic_ns()
        for fault in faults:
            await fault.inject()
        self.injected = Injected(faults=faults, wall=time.time(), at=at, before=before)
        for fault in faults:
            self._timeline.record("fault.injected", fault=fault.title)

    async def _shown(self, fault: Fault) -> None:
        with anyio.move_on_after(_SHOWN_WITHIN) as limit:
            while not await fault.shown():  # noqa: ASYNC110 - a cluster announces nothing
                await anyio.sleep(0.01)
        if limit.cancelled_caught:
            raise BrokenBed(f"{fault.title}: the stack does not show it after {_SHOWN_WITHIN:g} s")
        self._timeline.record("fault.shown", fault=fault.title)

    async def heal(self) -> str | None:
        """Undo all of it, the latest first. Returns why the bed is broken when something cannot be undone."""
        failed = [await self._heal(fault) for fault in reversed(self._begun)]
        return "; ".join(filter(None, failed)) or None

    async def _heal(self, fault: Fault) -> str | None:
        try:
            with anyio.fail_after(_HEALED_WITHIN):
                await fault.heal()
        except NotVerified:
            return None  # this stack cannot have it at all, so there is nothing to undo
        except Exception as error:  # a heal may fail in any way; the next one is due all the same
            reason = f"{fault.title}: this could not be healed: {type(error).__name__}: {error}"
            self._timeline.record("bed.broken", reason=reason)
            return reason
        self._timeline.record("fault.healed", fault=fault.title)
        return None


async def expect_untouched(stack: Stack, injected: Injected) -> None:
    """Raise AssertionError unless all that the faults did not break is as it was before them."""
    broken = {name for fault in injected.faults for name in fault.breaks}
    with _fit_to_be_looked_at():
        now = await stack.state()
    expect(_without(broken, now), unchanged_from(_without(broken, injected.before)))


async def expect_whole(injected: Injected) -> None:
    """Raise AssertionError unless what the faults broke is as a good repair leaves it."""
    for fault in injected.faults:
        with _fit_to_be_looked_at():
            wrong = await fault.unrepaired()
        expect(wrong, empty(), of="what is wrong still", because=fault.title)


@contextmanager
def _fit_to_be_looked_at() -> Iterator[None]:
    """After the operator's work, a stack that cannot even be looked at is the operator's failure."""
    try:
        yield
    except (NotSteady, OSError, RedisError, httpx.HTTPError) as error:
        raise AssertionError(
            f"expected: the stack can be looked at\n  but: {type(error).__name__}: {error}"
        ) from error


def _without(names: set[str], state: Mapping[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in state.items() if name not in names}
