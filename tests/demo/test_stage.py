"""What the demo sees of the system it shows."""

from types import SimpleNamespace

import anyio

from demo import stage as stage_module
from demo.stage import Stage
from demo.subjects import Part


class System:
    """One node."""

    def __init__(self):
        self.good = True
        self.looked_at = anyio.Event()

    async def look(self, stack):
        self.looked_at.set()
        return [Part("node", "Up" if self.good else "lost", self.good)]

    async def inject(self, stack, faults):
        self.good = False


def test_a_fault_is_seen_as_soon_as_it_is_in_place(monkeypatch):
    monkeypatch.setattr(stage_module, "_LOOK_EVERY", 3600)  # no agent is as slow as that

    async def break_and_look():
        system = System()
        subject = SimpleNamespace(look=system.look, fault=lambda stack: None)
        async with anyio.create_task_group() as tasks:
            order = SimpleNamespace(subject=subject, sample_every=1)
            stage = Stage(order, None, None, system, None, tasks)
            tasks.start_soon(stage.look)
            await system.looked_at.wait()
            assert not stage.violated
            await stage.break_it()
            with anyio.fail_after(10):
                while not stage.violated:  # noqa: ASYNC110 - a stage does not say so
                    await anyio.sleep(0.01)
            tasks.cancel_scope.cancel()

    anyio.run(break_and_look)
