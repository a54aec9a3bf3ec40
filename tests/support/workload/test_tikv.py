"""Traffic for a TiKV cluster: what was acknowledged, what was in doubt, and how much of it succeeded."""

import anyio
import anyio.lowlevel
import httpx
import pytest

from support.workload.tikv import Answer, Traffic

pytestmark = pytest.mark.anyio

SECOND = 1_000_000_000


class Store:
    """Keeps what is written while it is well, and answers nobody while it is not."""

    def __init__(self) -> None:
        self.data: dict[str, str] = {}
        self.well = True
        self.gate = anyio.Event()
        self.gate.set()

    async def write(self, key: str, value: str) -> None:
        await self._serve()
        self.data[key] = value

    async def read(self, key: str) -> str:
        await self._serve()
        return self.data.get(key, "")

    async def _serve(self) -> None:
        await self.gate.wait()
        if not self.well:
            raise httpx.ConnectError("gone")


async def answered(traffic, count):
    with anyio.fail_after(10):
        while len(traffic.answers) < count:  # noqa: ASYNC110 - traffic announces nothing
            await anyio.sleep(0.01)


async def test_half_of_it_reads_and_half_updates():
    async with Traffic(Store(), name="load") as traffic:
        await answered(traffic, 60)
    kinds = [answer.kind for answer in traffic.answers]
    assert abs(kinds.count("read") - kinds.count("update")) <= 12
    assert all(answer.good for answer in traffic.answers)


async def test_all_that_was_acknowledged_is_what_is_stored_once_it_is_paused():
    store = Store()
    async with Traffic(store, name="load") as traffic:
        await answered(traffic, 60)
        await traffic.pause()
        assert traffic.acknowledged
        assert traffic.acknowledged == store.data
        count = len(traffic.answers)
        await anyio.lowlevel.checkpoint()
        assert len(traffic.answers) == count


async def test_an_update_that_failed_is_in_doubt_and_none_of_its_key_is_acknowledged():
    store = Store()
    async with Traffic(store, name="load") as traffic:
        await answered(traffic, 24)
        store.well = False
        await answered(traffic, len(traffic.answers) + 12 * 2 * 16)  # every worker has met all its keys
        await traffic.pause()
        assert traffic.acknowledged == {}
        assert any(not answer.good for answer in traffic.answers)


async def test_an_answer_that_is_due_is_waited_for():
    store = Store()
    async with Traffic(store, name="load") as traffic:
        await answered(traffic, 24)
        store.gate = anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(traffic.pause)
            await anyio.wait_all_tasks_blocked()
            store.gate.set()
        assert traffic.acknowledged == {key: store.data[key] for key in traffic.acknowledged}


def test_the_rate_counts_what_succeeded_within_the_span():
    traffic = Traffic(Store(), name="load")
    traffic.answers += [Answer(second * SECOND, "read", good=second != 3) for second in range(6)]
    assert traffic.rate(1 * SECOND, 5 * SECOND) == 3 / 4
    assert traffic.rate(3 * SECOND, 4 * SECOND) == 0
