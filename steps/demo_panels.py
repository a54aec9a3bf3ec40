"""The words about the demo's panels: what they show of what is printed, and whether they are whole."""

import os
import re
import signal
from collections.abc import Mapping, Sequence

from hamcrest import empty, equal_to, less_than_or_equal_to

from steps.demo import ANSWERS_WITHIN, SHOWN_WITHIN, demo_of, is_whole
from support import hostile
from support.demonstration import PANELS
from support.evidence.eventually import expect
from support.evidence.screen import compact
from support.gherkin import given, then, when
from support.testbed import TestBed
from support.verdict import BrokenBed


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
    await demo_of(bed).until(is_whole, within=SHOWN_WITHIN, what="the demo is on the screen")


@when("the presenter leads it until the agent has done with the ticket")
async def lead_until_worked(bed: TestBed) -> None:
    demo = demo_of(bed)
    await demo.lead_to("Remediation")
    outcome = bed.profile.output.outcome
    await demo.until(
        lambda _: any(line_matches(outcome, line.text) for line in demo.printed("agent")),
        within=bed.patience,
        what="the agent prints how the ticket ended",
    )
    last = demo.printed("agent")[-1].offset
    await demo.until(lambda _: last in demo.seen, within=SHOWN_WITHIN, what="the agent's last line is shown")


def line_matches(pattern: str, text: str) -> bool:
    """Whether a line matches one of the profile's patterns."""
    return re.search(pattern, text) is not None


@when("all that the agent prints has been printed")
async def all_printed(bed: TestBed) -> None:
    demo = demo_of(bed)
    await demo.until(
        lambda shot: compact(hostile.LAST) in shot.panel("Agent").compact,
        within=SHOWN_WITHIN,
        what=f"the agent panel shows the last line, {hostile.LAST!r}",
    )


@when("the terminal is given these sizes while 10,000 lines flow:")
async def resized(bed: TestBed, table: Sequence[Mapping[str, str]]) -> None:
    demo = demo_of(bed)
    await demo.until(lambda _: len(demo.printed("agent")) > 0, within=SHOWN_WITHIN, what="the flood begins")
    bed.seen["sizes"] = []
    for row in table:
        columns, rows = map(int, row["size"].split(" by "))
        demo.screen.resize(columns, rows)
        shot = await demo.until(is_whole, within=SHOWN_WITHIN, what=f"all panels are whole at {row['size']}")
        bed.seen["sizes"].append(shot)


@then("every panel's title and border were whole at each size")
async def whole_at_each(bed: TestBed) -> None:
    broken = [shot.text for shot in bed.seen["sizes"] if not is_whole(shot)]
    expect(broken, empty(), of="screens with a panel that is not whole")
    await all_printed(bed)
    await every_borderis_whole(bed)


@then("every panel's title and border is whole")
async def every_borderis_whole(bed: TestBed) -> None:
    await demo_of(bed).until(
        is_whole, within=ANSWERS_WITHIN, what=f"the panels {', '.join(PANELS)}, each with a whole border"
    )


@then("keys answer: the agent panel goes to its first line and back to its last")
async def keys_answer(bed: TestBed) -> None:
    demo = demo_of(bed)
    lines = demo.printed("agent")
    demo.screen.press("a")
    for key, line in (("HOME", lines[0]), ("END", lines[-1])):
        demo.screen.press(key)
        await demo.until(
            lambda shot, line=line: compact(line.text) in shot.panel("Agent").compact,
            within=ANSWERS_WITHIN,
            what=f"after {key}, the agent panel shows {line.text!r}",
        )


@then("every line that the agent printed was on the agent panel within {seconds:g} second")
async def live(bed: TestBed, seconds: float) -> None:
    demo = demo_of(bed)
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
    demo = demo_of(bed)
    lines = demo.printed("agent")
    wanted = []
    for pattern in patterns:
        line = next((each for each in lines if line_matches(pattern, each.text)), None)
        expect(line is not None, equal_to(True), of=f"the agent printed a line that matches {pattern}")
        assert line is not None
        wanted.append(line.text)
    shown = await demo.scroll_back("Agent", enough=lambda text: _missing_in(text, wanted) is None)
    missing = _missing_in(shown, wanted)
    expect(missing is None, equal_to(True), of=f"the panel shows {missing!r} after what came before it")


def _missing_in(text: str, lines: Sequence[str]) -> str | None:
    """The first of these lines that a text, without blanks, does not have after those before it."""
    at = 0
    for line in lines:
        found = text.find(compact(line), at)
        if found < 0:
            return line
        at = found
    return None


@then("scrolled back to its beginning, the {title} panel shows all that the {name} printed, as it is")
async def whole_text(bed: TestBed, title: str, name: str) -> None:
    demo = demo_of(bed)
    lines = demo.printed(name)
    whole = "".join(_as_it_is(line.text) for line in lines)
    shown = await demo.scroll_back(
        title.capitalize(),
        enough=lambda text: len(text) >= len(whole),
        wrong=lambda text: not whole.startswith(text),
    )
    at = 0
    for line in lines:
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
    await demo_of(bed).until(
        lambda shot: (
            compact(how)
            in compact(shot.panel(title.capitalize()).title + shot.panel(title.capitalize()).text)
        ),
        within=SHOWN_WITHIN,
        what=f"the {title} panel says that the {name} has ended, with {how}",
    )


@when("the {name} of the demo is killed")
async def process_killed(bed: TestBed, name: str) -> None:
    demo = demo_of(bed)
    await demo.until(lambda _: bool(demo.printed(name)), within=SHOWN_WITHIN, what=f"the {name} is there")
    os.kill(demo.pid_of(name), signal.SIGKILL)
