"""behave's hooks: a run, a feature's shared stacks and a scenario's bed are opened and closed here."""

import re
from pathlib import Path

from support.run import Run
from support.testbed import open_bed


def before_all(context):
    run = Run(context.prepared)
    context.run = run.__enter__()
    context.add_cleanup(run.__exit__, None, None, None)
    context.loop = run.loop


def before_feature(context, feature):
    context.room, leave = context.loop.open(context.run.feature(_slug(Path(feature.filename).stem)))
    context.add_cleanup(leave)


def before_scenario(context, scenario):
    title = context.run.redactor.text(scenario.name, "the name of a scenario")
    name = f"{scenario.line}-{_slug(title)}"
    context.bed, context.leave_bed = context.loop.open(open_bed(context.run, context.room, name))


def after_scenario(context, scenario):
    if "bed" not in context:
        return
    try:
        context.leave_bed()
    finally:
        scenario.facts = context.bed.facts(context.run.settings.reports)


def _slug(name):
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60]
