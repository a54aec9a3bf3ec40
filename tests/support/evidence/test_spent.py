from support.evidence import spent as module
from support.evidence.spent import Spent


def test_no_moment_counts_twice(monkeypatch):
    clock = iter([0, 1, 2, 4, 5, 10])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    spent = Spent()  # at 0
    with spent.on("stack"), spent.on("waiting"):  # from 1 and from 2 to 4; the stack's ends at 5
        pass
    assert spent.seconds() == {"harness": 6, "stack": 2, "waiting": 2}  # at 10
