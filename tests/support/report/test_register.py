"""The register is read whole, or refused with the file and the id."""

from pathlib import Path

import pytest

from support.report.register import RegisterError, load_register, looks_like_id

_GOOD = """
[[requirement]]
id = "DEMO-01"
title = "First"
statement = "It works."
source = "a plan"
criteria = [{ id = "DEMO-01.1", text = "It starts." }, { id = "DEMO-01.10", text = "It ends." }]
"""


def _register(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "requirements.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_register_is_loaded(tmp_path: Path) -> None:
    register = load_register(_register(tmp_path, _GOOD))
    (requirement,) = register.requirements
    assert (requirement.title, requirement.statement) == ("First", "It works.")
    assert [c.text for c in requirement.criteria] == ["It starts.", "It ends."]
    assert register.ids == {"DEMO-01", "DEMO-01.1", "DEMO-01.10"}


def test_the_register_of_this_repository_is_right() -> None:
    register = load_register(Path(__file__).parents[3] / "features/requirements.toml")
    assert "DEMO-05.12" in register.ids


def test_criteria_bring_the_tags_of_their_requirements_once(tmp_path: Path) -> None:
    register = load_register(_register(tmp_path, _GOOD))
    assert register.requirement_tags(["slow", "DEMO-01.1", "DEMO-01.10", "AUDIT-01.2"]) == [
        "DEMO-01",
        "AUDIT-01",
    ]
    assert register.requirement_tags(["DEMO-01.1", "DEMO-01"]) == []


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        ('"DEMO-01"', '"DEMO-1a"', "DEMO-1a: a requirement's id looks like DEMO-04"),
        ('"DEMO-01.10"', '"DEMO-01.1"', "DEMO-01.1: this id is there twice"),
        ('"DEMO-01.10"', '"DEMO-02.1"', "DEMO-02.1: stands under DEMO-01, but its id is of DEMO-02"),
        ('"DEMO-01.10"', '"DEMO-01"', "DEMO-01: a criterion's id looks like DEMO-01.1"),
        ('title = "First"', "", "DEMO-01: title is missing or empty"),
        ('title = "First"', 'title = " "', "DEMO-01: title is missing or empty"),
        ('title = "First"', "title = 3", "DEMO-01: title is not text: 3"),
        ('title = "First"', 'title = "F"\ntilte = "F"', "DEMO-01: unknown key tilte"),
        ('text = "It ends."', 'text = ""', "DEMO-01.10: text is missing or empty"),
        ('id = "DEMO-01.10", ', "", "a criterion of DEMO-01 without id: id is missing"),
        ("criteria = [{", "criteria = 3 #", "DEMO-01: criteria is not a list"),
        ("[[requirement]]", "[requirement]", "no [[requirement]] in it"),
        ("[[requirement]]", "[[", "not valid TOML"),
    ],
)
def test_a_register_that_is_wrong_is_refused(tmp_path: Path, written, instead, said) -> None:
    assert written in _GOOD
    path = _register(tmp_path, _GOOD.replace(written, instead))
    with pytest.raises(RegisterError) as refused:
        load_register(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert said in str(refused.value)


def test_a_requirement_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RegisterError, match="DEMO-01: this id is there twice"):
        load_register(_register(tmp_path, _GOOD + _GOOD))


def test_a_register_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RegisterError, match="there is no requirement register here"):
        load_register(tmp_path / "requirements.toml")


@pytest.mark.parametrize("tag", ["DEMO-04", "DEMO-04.12", "AUDIT-1"])
def test_ids_are_known_by_their_looks(tag) -> None:
    assert looks_like_id(tag)


@pytest.mark.parametrize("tag", ["slow", "demo-04", "DEMO-04.", "DEMO-04.1.2", "DEMO", "X-DEMO-4a"])
def test_other_tags_are_not_taken_for_ids(tag) -> None:
    assert not looks_like_id(tag)
