import re
from pathlib import Path

import pytest

from support.profile import ProfileError, load_profile

GOOD = """
[operator]
monitor = ["monitor", "--db", "{db}", "-i", "{interval}", "{subject}"]
"""


def write(directory: Path, text: str) -> Path:
    path = directory / "somebody.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_profile_needs_no_more_than_a_monitor(tmp_path):
    profile = load_profile(write(tmp_path, GOOD))
    assert profile.name == "somebody"
    assert profile.agent is None
    assert profile.cwd == tmp_path
    assert profile.timing.interval == 0.5


def test_placeholders_are_filled_in_wherever_they_stand(tmp_path):
    profile = load_profile(write(tmp_path, GOOD))
    words = profile.fill(profile.monitor, subject="tikv", db=Path("/d/t.db"))
    assert words == ["monitor", "--db", "/d/t.db", "-i", "0.5", "tikv"]


def test_the_profile_of_the_built_in_operator_is_sound():
    built_in = Path(__file__).parents[2] / "systems/operator/profile.toml"
    profile = load_profile(built_in)
    assert profile.agent is not None
    assert (profile.cwd / "systems").is_dir()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[operator", "is not TOML"),
        ("", "operator.monitor: is missing"),
        ("[operator]\nmonitr = ['m']", "unknown key 'monitr'"),
        ("[opeator]\nmonitor = ['m']", "the top level has an unknown key 'opeator'"),
        ("[operator]\nmonitor = 'm'", "operator.monitor: must be a list of words"),
        ("[operator]\nmonitor = []", "operator.monitor: must be a list of words"),
        ("[operator]\nmonitor = ['m', 1]", "operator.monitor: must be a list of words"),
        ("[operator]\nmonitor = ['{dbase}']", "unknown placeholder {dbase}; known are {db}"),
        ("[operator]\nmonitor = ['m']\nagent = ['{}']", "operator.agent: unknown placeholder {}"),
        ("[operator]\nmonitor = ['m']\ncwd = 'nowhere'", "operator.cwd"),
        ("[operator]\nmonitor = ['m']\nname = ''", "operator.name: must be a text that is not empty"),
        ("[operator]\nmonitor = ['m']\nenv = 'x'", "env: must be a table"),
        ("[operator]\nmonitor = ['m']\n[operator.env]\nA = 1", "operator.env.A: must be a text"),
        ("[operator]\nmonitor = ['m']\n[operator.output]\noutcome = '('", "output.outcome: not a regular"),
        ("[operator]\nmonitor = ['m']\n[operator.output]\nreday = 'x'", "unknown key 'reday'"),
        ("[operator]\nmonitor = ['m']\n[operator.limits]\nanswers = 'A'", "unknown key 'answers'"),
        ("[operator]\nmonitor = ['m']\n[operator.limits]\nticket_tokens = 1", "must name an environment"),
        ("[operator]\nmonitor = ['m']\n[operator.timing]\ninterval = 0", "timing.interval: must be seconds"),
        ("[operator]\nmonitor = ['m']\n[operator.timing]\ninterval = true", "timing.interval: must be"),
    ],
)
def test_whatever_is_wrong_is_named_with_its_file_and_key(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(ProfileError) as error:
        load_profile(path)
    assert message in str(error.value)
    assert str(path) in str(error.value)


def test_a_profile_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ProfileError, match=r"gone\.toml: cannot be read: No such file"):
        load_profile(tmp_path / "gone.toml")


@pytest.mark.parametrize(
    ("line", "is_error"),
    [
        ("sqlite3.OperationalError: no such table: tickets", True),
        ("Traceback (most recent call last):", True),
        ("2026-01-01 12:00:00 ERROR agent: it went wrong", True),
        ("operator: tickets.db: database is locked; trying again", True),
        ("Agent loop starting", False),
        ("Check complete: all passing", False),
        ("0 errors so far", False),
    ],
)
def test_what_is_taken_for_an_error_in_the_output_unless_a_profile_says_otherwise(tmp_path, line, is_error):
    pattern = load_profile(write(tmp_path, GOOD)).output.error
    assert bool(re.search(pattern, line)) is is_error
