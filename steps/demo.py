"""The words about the demo: who leads it, what its panels show, how it ends."""

import re
import signal

import anyio
from hamcrest import empty, equal_to, has_length

from support.demonstration import CHAPTERS, PANELS, Demonstration
from support.evidence.eventually import expect
from support.evidence.matchers import a_ticket_that_is, only
from support.evidence.screen import Shot
from support.gherkin import given, then, when
from support.model import on_call_engineer
from support.model.held import Hold, keep_waiting
from support.testbed import TestBed
from support.verdict import BrokenBed

SHOWN_WITHIN = 10.0
ANSWERS_WITHIN = 2.0
_CRASHED_AFTER = "Remediation"
_SUBJECTS = {"rate limiter": "ratelimiter", "TiKV cluster": "tikv"}


def demo_of(bed: TestBed) -> Demonstration:
    """The demo of this scenario. Raises BrokenBed when it shows none."""
    if "demo" not in bed.seen:
        raise BrokenBed("this scenario shows no demo")
    shown: Demonstration = bed.seen["demo"]
    return shown


def is_whole(shot: Shot) -> bool:
    """Whether every panel is there, with a whole frame."""
    return all(not shot.panel(title).damage for title in PANELS)


@given("the demo is shown on a terminal of {columns:d} by {rows:d}")
async def shown(bed: TestBed, columns: int, rows: int) -> None:
    bed.seen["demo"] = await bed.show_demo(columns=columns, rows=rows)


@given("the demo of a {subject} is shown, on a stack of its own")
async def shown_by_itself(bed: TestBed, subject: str) -> None:
    bed.seen["demo"] = await bed.show_demo(columns=80, rows=24, subject=_SUBJECTS[subject])


@given("a model that keeps the first who ask waiting for ever")
async def model_hangs(bed: TestBed) -> None:
    bed.script = keep_waiting(Hold(), on_call_engineer)


@when("the presenter leads it to its end")
async def lead_to_the_end(bed: TestBed) -> None:
    await demo_of(bed).lead_to(CHAPTERS[-1])
    await demo_of(bed).settled(CHAPTERS[-1])


@then("the chapters came in their order, and none was skipped")
async def chapters_in_order(bed: TestBed) -> None:
    expect(demo_of(bed).chapters, equal_to(list(CHAPTERS)), of="the chapters that the screen showed")


@then("the demo's ticket is resolved")
async def ticket_resolved(bed: TestBed) -> None:
    expect(demo_of(bed).records().tickets, only(a_ticket_that_is("resolved")))


@then("the stack is in its steady state, as the suite itself sees it")
async def steady(bed: TestBed) -> None:
    await bed.recovered(within=5)


@then("the workload panel shows throughput, and the cluster panel nothing red")
async def throughput(bed: TestBed) -> None:
    def back(shot: Shot) -> bool:
        first = shot.panel("Workload").text.split()
        return bool(first) and first[0].isdigit() and int(first[0]) > 0 and not shot.panel("Cluster").red

    await demo_of(bed).until(
        back, within=ANSWERS_WITHIN, what="a workload above 0, and a cluster without red"
    )


@then("while the fault was in place, the cluster panel was red")
async def was_red(bed: TestBed) -> None:
    expect(demo_of(bed).was_red, equal_to(True), of="the frame of the cluster panel was red")


@when('the presenter leads it to "{chapter}" and leaves by {way}')
async def leave(bed: TestBed, chapter: str, way: str) -> None:
    demo = demo_of(bed)
    if chapter == CHAPTERS[0]:
        await demo.until(is_whole, within=SHOWN_WITHIN, what="the demo is on the screen")
    else:
        await demo.lead_to(chapter)
    bed.seen["way"] = way
    match way:
        case "q" | "Ctrl-C":
            demo.screen.press(way)
        case "SIGTERM":
            demo.send(signal.SIGTERM)
        case "a closed terminal":
            demo.process.hang_up()
        case _:
            raise BrokenBed(f"nobody leaves by {way!r}")
    bed.seen["ended"] = await demo.ended()


@then("the demo has ended, and no process of it is left")
async def none_left(bed: TestBed) -> None:
    left = [f"{each.command} (pid {each.pid})" for each in bed.seen["ended"].left]
    expect(left, empty(), of="processes that the demo started", because="it has ended")


@then("the terminal is as it was before")
async def terminal_restored(bed: TestBed) -> None:
    demo = demo_of(bed)
    if bed.seen["way"] == "a closed terminal":
        return
    before, after = demo.settings_of_terminal()
    expect(after, equal_to(before), of="how the terminal is set, as stty tells it")
    expect(demo.screen.cursor_hidden, equal_to(False), of="the cursor is hidden")
    expect(sorted(demo.screen.modes - _AT_FIRST), empty(), of="modes of the terminal that are still set")


_AT_FIRST = {3, 20, 4, 7 << 5, 25 << 5}
"""Modes that a terminal may have before any program: text cursor, line wrap, new-line."""


@when("a demo crashes with its fault in place, and the next one is shown")
async def crash_and_next(bed: TestBed) -> None:
    demo = demo_of(bed)
    await demo.lead_to(_CRASHED_AFTER)
    bed.seen["earlier"] = demo.records()
    demo.send(signal.SIGKILL)
    await demo.ended()
    with anyio.fail_after(SHOWN_WITHIN):
        while demo.process.descendants():  # noqa: ASYNC110 - those left end by themselves, and do not say so
            await anyio.sleep(0.02)
    bed.seen["demo"] = await bed.show_demo(columns=80, rows=24, database=demo.database)


@then("the next demo comes to a healthy cluster, with no ticket and no violation of the earlier one")
async def starts_clean(bed: TestBed) -> None:
    demo = demo_of(bed)
    expect(bed.seen["earlier"].tickets, has_length(1), of="tickets of the demo that crashed")
    await demo.lead_to("Cluster health")
    await demo.settled("Cluster health")
    expect(demo.records().tickets, empty(), of="tickets")
    saw = [
        line.text
        for line in demo.printed("monitor")
        if re.search(bed.profile.output.violations_seen, line.text)
    ]
    expect(saw, empty(), of="violations that the monitor saw")
    shot = demo.screen.shot
    expect(shot.panel("Cluster").red, equal_to(False), of="the frame of the cluster panel is red")
