"""Secrets are masked in whatever a result says, however deep it stands there."""

from dataclasses import replace

from support.evidence.redaction import Redactor
from support.report.masking import masked_run, masked_scenario

KEY = "key-of-this-test"


def redactor():
    return Redactor({"ANTHROPIC_API_KEY": KEY})


def test_a_scenario_without_secrets_stays_as_it_is(result) -> None:
    for scenario in result.scenarios:
        assert masked_scenario(scenario, redactor()) == scenario


def test_a_secret_is_masked_in_every_text_of_a_scenario_and_named(result) -> None:
    scenario = next(each for each in result.scenarios if each.steps and each.evidence)
    step = replace(scenario.steps[0], text=f"it says {KEY}", error=f"{KEY} was said")
    said = replace(
        scenario,
        name=f"of {KEY}",
        reason=f"because of {KEY}",
        evidence=(f"evidence/{KEY}.txt",),
        steps=(step, *scenario.steps[1:]),
    )
    clean = masked_scenario(said, redactor())
    assert KEY not in repr(clean)
    hidden = "*" * len(KEY)
    assert (clean.name, clean.reason, clean.evidence) == (
        f"of {hidden}",
        f"because of {hidden}",
        (f"evidence/{hidden}.txt",),
    )
    assert (clean.steps[0].text, clean.steps[0].error) == (f"it says {hidden}", f"{hidden} was said")
    assert clean.steps[1:] == scenario.steps[1:]
    assert clean.secrets == (*scenario.secrets, "ANTHROPIC_API_KEY in the sentences and reasons")


def test_a_secret_is_masked_in_what_is_said_of_the_run(result) -> None:
    run = replace(result.run, command=("behave", "-D", f"key={KEY}"), versions={"python": KEY})
    clean = masked_run(run, redactor())
    hidden = "*" * len(KEY)
    assert (clean.command, clean.versions) == (("behave", "-D", f"key={hidden}"), {"python": hidden})
    assert clean.secrets == (*run.secrets, "ANTHROPIC_API_KEY in the run itself")
