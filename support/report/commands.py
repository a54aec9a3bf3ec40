"""`acceptance report`: render a saved result again, or join several to one.

acceptance report [--gate all] [DIR]             (DIR is `reports`)
acceptance report merge [--gate all] DIR DIR…  [--into DIR]
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from support.report.gate import gate
from support.report.headline import Headline
from support.report.history import remember
from support.report.merge import UnreadableReport, load_result, merge_directories
from support.report.model import RunResult
from support.report.strength import strengthened
from support.report.write import write_reports

__all__ = ["main"]


def main(argv: Sequence[str]) -> int:
    """Do what the words after `acceptance report` say; return the exit status, 1 when the gate is red."""
    joining = bool(argv) and argv[0] == "merge"
    wanted = _parser(joining=joining).parse_args(argv[1:] if joining else argv)
    try:
        if joining:
            result, target = merge_directories(wanted.directories, wanted.into), wanted.into
        else:
            result, target = load_result(wanted.directory), wanted.directory
        if wanted.gate:
            result = replace(result, run=replace(result.run, gate=wanted.gate))
        if joining:
            result = remember(result, target)
        result = strengthened(result, target)
        page = write_reports(result, target, root=Path())
    except (UnreadableReport, ValueError, OSError) as error:
        sys.stderr.write(f"acceptance report: {error}\n")
        return 2
    return _say(result, page)


def _say(result: RunResult, page: Path) -> int:
    passage = gate(result)
    sys.stdout.write(f"{Headline(result).sentence}. {Headline(result).shown_with}\n")
    sys.stdout.write(f"Gate    {passage.why}\nReport  {page}\n")
    return int(passage.red)


def _parser(*, joining: bool) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="acceptance report merge" if joining else "acceptance report",
        description="Join the results of several runs into one report."
        if joining
        else "Render a saved result again; `acceptance report merge` joins several.",
    )
    parser.add_argument("--gate", choices=("default", "all"), help="judge by this gate")
    if joining:
        parser.add_argument("directories", nargs="+", type=Path, metavar="DIR", help="reports of a run")
        parser.add_argument(
            "--into", type=Path, default=Path("reports-merged"), metavar="DIR", help="default: %(default)s"
        )
    else:
        parser.add_argument("directory", nargs="?", type=Path, default=Path("reports"), metavar="DIR")
    return parser
