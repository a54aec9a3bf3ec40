from pathlib import Path

import pytest

from support.config import SettingError, load_settings

BASE = Path("/base")


def load(*, defines=None, environ=None, file=None):
    return load_settings(defines=defines or {}, environ=environ or {}, file=file or {}, base=BASE)


def test_without_any_setting_the_built_in_operator_meets_the_double_on_processes():
    settings = load()
    assert (settings.stack, settings.model, settings.operator) == ("process", "double", None)
    assert settings.reports == BASE / "reports"


def test_the_command_line_wins_over_the_environment_and_that_over_the_file():
    file = {"reports": "from-file"}
    environ = {"ACCEPTANCE_REPORTS": "from-environment"}
    assert load(file=file).reports == BASE / "from-file"
    assert load(file=file, environ=environ).reports == BASE / "from-environment"
    settings = load(file=file, environ=environ, defines={"reports": "from-define"})
    assert settings.reports == BASE / "from-define"


def test_a_real_model_costs_what_the_user_allows_and_gets_no_shell_unasked():
    settings = load(defines={"model": "live"})
    assert (settings.allow_host_shell, settings.budget, settings.price) == (False, 5.0, None)
    settings = load(defines={"allow_host_shell": "yes", "budget": "0.5", "price": "3/15"})
    assert (settings.allow_host_shell, settings.budget, settings.price) == (True, 0.5, (3.0, 15.0))


def test_variables_of_others_are_left_alone():
    assert load(environ={"PATH": "/bin", "REPORTS": "elsewhere"}) == load()


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ({"defines": {"stak": "process"}}, "-D stak: there is no such setting; did you mean stack?"),
        ({"defines": {"zzz": "1"}}, "-D zzz: there is no such setting; known settings: stack,"),
        ({"environ": {"ACCEPTANCE_STAK": "x"}}, "ACCEPTANCE_STAK in the environment: there is no such"),
        ({"file": {"modle": "x"}}, r"modle in [tool.behave.userdata]: there is no such setting"),
        ({"defines": {"stack": "dokcer"}}, "-D stack=dokcer: not one of process"),
        ({"defines": {"model": ""}}, "-D model=: not one of double"),
        (
            {"defines": {"project": "mine"}},
            "project=mine: is about containers; it needs stack=docker",
        ),
        ({"defines": {"operator_in": "container"}}, "operator_in=container: is about containers"),
        ({"defines": {"operator_in": "cloud"}}, "-D operator_in=cloud: not one of host, container"),
        ({"defines": {"stack": "docker", "join": "x"}}, "join: is about a stack of processes"),
        ({"defines": {"budget": "much"}}, "-D budget=much: not a number of US$"),
        ({"defines": {"budget": "-1"}}, "-D budget=-1: not a number of US$"),
        ({"defines": {"price": "3"}}, "-D price=3: not US$ for a million tokens in and out, such as 3/15"),
        ({"defines": {"allow_host_shell": "1"}}, "-D allow_host_shell=1: not one of yes, no"),
        ({"defines": {"recordings": ""}}, "-D recordings: names no directory"),
        ({"defines": {"reports": ""}}, "-D reports: names no directory"),
    ],
)
def test_an_unknown_name_or_value_is_refused_in_words(sources, message):
    with pytest.raises(SettingError) as error:
        load(**sources)
    assert message in str(error.value)
