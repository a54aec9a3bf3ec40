"""The words about the demo: who leads it, what its panels show, how it ends."""

import signal
import time
from collections.abc import Mapping, Sequence

import anyio
from hamcrest import empty, equal_to, has_length, less_than_or_equal_to

from support import hostile
from support.demonstration import CHAPTERS, PANELS, Demonstration
from support.evidence.eventually import expect
from support.evidence.matchers import a_ticket_that_is, only
from support.evidence.screen import Shot, compact
from support.gherkin import given, then, when
from support.model import on_call_engineer
from support.model.held import Hold, keep_waiting
from support.testbed import TestBed
from support.verdict import BrokenBed

_SHOWN_WITHIN = 10.0
_STORY_WITHIN = 30.0
_ANSWERS_WITHIN = 2.0
_CRASHED_AFTER = "Remediation"


def _demo(bed: TestBed) -> Demonstration:
    if "demo" not in bed.seen:
        raise BrokenBed("this scenario shows no demo")
    shown: Demonstration = bed.seen["demo"]
    return shown


@given("the demo is shown on a terminal of {columns:d} by {rows:d}")
async def shown(bed: TestBed, columns: int, rows: int) -> None:
    bed.seen["demo"] = await bed.show_demo(columns=columns, rows=rows)


@given("the demo of a {subject} is shown, on a stack of its own")
async def shown_by_itself(bed: TestBed, subject: str) -> None:
    bed.seen["demo"] = await bed.show_demo(columns=80, rows=24, subject=_SUBJECTS[subject])


_SUBJECTS = {"rate limiter": "ratelimiter", "TiKV cluster": "tikv"}


@given("the demo is shown on a terminal of {columns:d} by {rows:d}, with an agent that prints {what}")
async def shown_with_printer(bed: TestBed, columns: int, rows: int, what: str) -> None:
    if what not in hostile.KNOWN:
        raise BrokenBed(f"no agent prints {what!r}; known are {'; '.join(hostile.KNOWN)}")
    bed.seen["demo"] = await bed.show_demo(columns=columns, rows=rows, agent=hostile.printing(what))


@given("the demo is shown on a terminal of {columns:d} by {rows:d}, with an agent that dies with {how}")
async def shown_with_dying(bed: TestBed, columns: int, rows: int, how: str) -> None:
    bed.seen["demo"] = await bed.show_demo(columns=columns, rows=rows, agent=hostile.dying(how))


@given("the demo is shown on a terminal of {columns:d} by {rows:d}, with an agent that will flood it")
async def shown_with_flood(bed: TestBed, columns: int, rows: int) -> None:
    bed.seen["demo"] = await bed.show_demo(columns=columns, rows=rows, agent=hostile.flooding(10_000))
    await _demo(bed).until(_whole, within=_SHOWN_WITHIN, what="the demo is on the screen")


@given("a model that keeps the first who ask waiting for ever")
async def model_hangs(bed: TestBed) -> None:
    bed.script = keep_waiting(Hold(), on_call_engineer)


@when("the presenter leads it to its end")
async def lead_to_the_end(bed: TestBed) -> None:
    await _demo(bed).lead_to(CHAPTERS[-1])
    await _demo(bed).settled(CHAPTERS[-1])


@when("the presenter leads it until the agent has done with the ticket")
async def lead_until_worked(bed: TestBed) -> None:
    demo = _demo(bed)
    await demo.lead_to("Remediation")
    outcome = bed.profile.output.outcome
    await demo.until(
        lambda _: any(line_matches(outcome, line.text) for line in demo.printed("agent")),
        within=bed.patience,
        what="the agent prints how the ticket ended",
    )
    last = demo.printed("agent")[-1].offset
    await demo.until(lambda _: last in demo.seen, within=_SHOWN_WITHIN, what="the agent's last line is shown")


def line_matches(pattern: str, text: str) -> bool:
    """Whether a line matches one of the profile's patterns."""
    import re

    return re.search(pattern, text) is not None


@when("all that the agent prints has been printed")
async def all_printed(bed: TestBed) -> None:
    demo = _demo(bed)
    await demo.until(
        lambda shot: compact(hostile.LAST) in shot.panel("Agent").compact,
        within=_SHOWN_WITHIN,
        what=f"the agent panel shows the last line, {hostile.LAST!r}",
    )


@when("the terminal is given these sizes while 10,000 lines flow:")
async def resized(bed: TestBed, table: Sequence[Mapping[str, str]]) -> None:
    demo = _demo(bed)
    await demo.until(lambda _: len(demo.printed("agent")) > 0, within=_SHOWN_WITHIN, what="the flood begins")
    bed.seen["sizes"] = []
    for row in table:
        columns, rows = map(int, row["size"].split(" by "))
        demo.screen.resize(columns, rows)
        shot = await demo.until(
            lambda shot: _whole(shot), within=_SHOWN_WITHIN, what=f"all panels are whole at {row['size']}"
        )
        bed.seen["sizes"].append(shot)


@then("every panel's title and border were whole at each size")
async def whole_at_each(bed: TestBed) -> None:
    expect(bed.seen["sizes"], has_length(len(bed.seen["sizes"])))
    await all_printed(bed)
    await every_border_whole(bed)


@then("every panel's title and border is whole")
async def every_border_whole(bed: TestBed) -> None:
    await _demo(bed).until(
        _whole, within=_ANSWERS_WITHIN, what=f"the panels {', '.join(PANELS)}, each with a whole border"
    )


def _whole(shot: Shot) -> bool:
    return all(not shot.panel(title).damage for title in PANELS)


@then("keys answer: the agent panel goes to its first line and back to its last")
async def keys_answer(bed: TestBed) -> None:
    demo = _demo(bed)
    lines = demo.printed("agent")
    demo.screen.press("a")
    for key, line in (("HOME", lines[0]), ("END", lines[-1])):
        demo.screen.press(key)
        await demo.until(
            lambda shot, line=line: compact(line.text) in shot.panel("Agent").compact,
            within=_ANSWERS_WITHIN,
            what=f"after {key}, the agent panel shows {line.text!r}",
        )


@then("every line that the agent printed was on the agent panel within {seconds:g} second")
async def live(bed: TestBed, seconds: float) -> None:
    demo = _demo(bed)
    for line in demo.printed("agent"):
        if not line.text.strip():
            continue
        at = demo.seen.get(line.offset)
        expect(at is not None, equal_to(True), of=f"the agent panel showed {line.text!r}")
        assert at is not None
        expect(
            (at - line.at) / 1e9,
            less_than_or_equal_to(seconds),
            of=f"seconds until the panel showed {line.text!r}",
        )


@then("the agent panel shows readiness, ticket, reasoning, tool call and tool result, in this order")
async def in_order(bed: TestBed) -> None:
    output = bed.profile.output
    patterns = (
        output.agent_ready,
        output.ticket_taken,
        output.reasoning,
        output.tool_call,
        output.tool_result,
    )
    text = await _demo(bed).scroll_back("Agent")
    lines = _demo(bed).printed("agent")
    at = 0
    for pattern in patterns:
        line = next((each for each in lines if line_matches(pattern, each.text)), None)
        expect(line is not None, equal_to(True), of=f"the agent printed a line that matches {pattern}")
        assert line is not None
        found = text.find(compact(line.text), at)
        expect(found >= at, equal_to(True), of=f"the panel shows {line.text!r} after what came before it")
        at = found


@then("scrolled back to its beginning, the {title} panel shows all that the {name} printed, as it is")
async def whole_text(bed: TestBed, title: str, name: str) -> None:
    demo = _demo(bed)
    shown = await demo.scroll_back(title.capitalize())
    at = 0
    for line in demo.printed(name):
        wanted = _as_it_is(line.text)
        found = shown.find(wanted, at)
        if found != at:
            near = shown[at : at + len(wanted) + 40]
            raise AssertionError(
                f"expected: the {title} panel shows line {line.number} of the {name}, whole, in its place: "
                f"{line.text[:200]!r}\n  but: there it shows {near!r}"
            )
        at += len(wanted)


def _as_it_is(text: str) -> str:
    """What a terminal can show of a line: a sign for whatever would control it."""
    return compact("".join(chr(0x2400 + ord(c)) if ord(c) < 0x20 and c != "\t" else c for c in text))


@then("the {title} panel says that the {name} has ended, with {how}")
async def says_ended(bed: TestBed, title: str, name: str, how: str) -> None:
    await _demo(bed).until(
        lambda shot: (
            compact(how)
            in compact(shot.panel(title.capitalize()).title + shot.panel(title.capitalize()).text)
        ),
        within=_SHOWN_WITHIN,
        what=f"the {title} panel says that the {name} has ended, with {how}",
    )


@when("the {name} of the demo is killed")
async def process_killed(bed: TestBed, name: str) -> None:
    import os

    demo = _demo(bed)
    await demo.until(lambda _: bool(demo.printed(name)), within=_SHOWN_WITHIN, what=f"the {name} is there")
    os.kill(demo.pid_of(name), signal.SIGKILL)


@then("the chapters came in their order, and none was skipped")
async def chapters_in_order(bed: TestBed) -> None:
    expect(_demo(bed).chapters, equal_to(list(CHAPTERS)), of="the chapters that the screen showed")


@then("the demo's ticket is resolved")
async def ticket_resolved(bed: TestBed) -> None:
    expect(_demo(bed).records().tickets, only(a_ticket_that_is("resolved")))


@then("the stack is in its steady state, as the suite itself sees it")
async def steady(bed: TestBed) -> None:
    await bed.recovered(within=5)


@then("the workload panel shows throughput, and the cluster panel nothing red")
async def throughput(bed: TestBed) -> None:
    def back(shot: Shot) -> bool:
        first = shot.panel("Workload").text.split()
        return bool(first) and first[0].isdigit() and int(first[0]) > 0 and not shot.panel("Cluster").red

    await _demo(bed).until(back, within=_ANSWERS_WITHIN, what="a workload above 0, and a cluster without red")


@then("while the fault was in place, the cluster panel was red")
async def was_red(bed: TestBed) -> None:
    expect(_demo(bed).was_red, equal_to(True), of="the frame of the cluster panel was red")


@when('the presenter leads it to "{chapter}" and leaves by {way}')
async def leave(bed: TestBed, chapter: str, way: str) -> None:
    demo = _demo(bed)
    if chapter == CHAPTERS[0]:
        await demo.until(_whole, within=_SHOWN_WITHIN, what="the demo is on the screen")
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
    demo = _demo(bed)
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
    demo = _demo(bed)
    await demo.lead_to(_CRASHED_AFTER)
    bed.seen["earlier"] = demo.records()
    demo.send(signal.SIGKILL)
    await demo.ended()
    with anyio.fail_after(_SHOWN_WITHIN):
        while demo.process.descendants():  # noqa: ASYNC110 - those left end by themselves, and do not say so
            await anyio.sleep(0.02)
    bed.seen["next"] = time.time()
    bed.seen["demo"] = await bed.show_demo(columns=80, rows=24, database=demo.database)


@then("the next demo comes to a healthy cluster, with no ticket and no violation of the earlier one")
async def starts_clean(bed: TestBed) -> None:
    demo = _demo(bed)
    expect(bed.seen["earlier"].tickets, has_length(1), of="tickets of the demo that crashed")
    await demo.lead_to("Cluster health")
    await demo.settled("Cluster health")
    expect(demo.records().tickets, empty(), of="tickets")
    saw = [
        line.text
        for line in demo.printed("monitor")
        if line_matches(bed.profile.output.violations_seen, line.text)
    ]
    expect(saw, empty(), of="violations that the monitor saw")
    shot = demo.screen.shot
    expect(shot.panel("Cluster").red, equal_to(False), of="the frame of the cluster panel is red")
