"""Whatever is wrong with what was asked for or with the machine is said before anything is started, ends
the command red, and costs nothing that an earlier run has left."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

REGISTER = """
[[requirement]]
id = "DEMO-01"
title = "The first"
statement = "It works."
source = "a plan"
criteria = [{ id = "DEMO-01.1", text = "It starts." }]
"""
FEATURE = "Feature: one\n  @DEMO-01.1\n  Scenario: a\n    Then it passes\n"
GOOD = {
    "pyproject.toml": (
        '[tool.behave]\npaths = ["features"]\nrunner = "support.runner:AcceptanceRunner"\n'
        'default_format = "support.report.formatter:ConsoleFormatter"\n'
    ),
    "features/requirements.toml": REGISTER,
    "features/one.feature": FEATURE,
    "steps/steps.py": "from behave import step\n@step('it passes')\ndef passes(context): pass\n",
    "environment.py": "from pathlib import Path\ndef before_all(context): Path('started').touch()\n",
    "systems/operator/profile.toml": '[operator]\nmonitor = ["{python}"]\n',
    "reports/traceability.json": "an earlier verdict",
    "reports/evidence/one/monitor.stdout": "an earlier line",
    "reports/junit/TEST-one.xml": "<testsuite/>",
}
KEPT = [name for name in GOOD if name.startswith("reports/")]


@dataclass(frozen=True)
class Bad:
    """One thing that is wrong: in the options, the environment or the files, and the words for it.

    `{tree}` in an option or a variable is the directory of the features.
    """

    says: str
    options: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    first: Callable[[Path], object] = lambda tree: None


def profile(says: str, text: str, first: Callable[[Path], object] = lambda tree: None) -> Bad:
    return Bad(says, ("-D", "operator=mine.toml"), files={"mine.toml": text}, first=first)


def register(says: str, old: str, new: str) -> Bad:
    assert old in REGISTER
    return Bad(says, files={"features/requirements.toml": REGISTER.replace(old, new)})


def feature(says: str, text: str) -> Bad:
    return Bad(says, files={"features/two.feature": text})


def output(key: str, pattern: str) -> str:
    return f"[operator]\nmonitor = ['{{python}}']\n[operator.output]\n{key} = '{pattern}'\n"


MONITOR = "[operator]\nmonitor = ['{python}']\n"

CASES = {
    "setting unknown": Bad("-D stak: there is no such setting; did you mean stack?", ("-D", "stak=process")),
    "setting unknown, nothing near": Bad("-D zzz: there is no such setting; known", ("-D", "zzz=1")),
    "setting without a name": Bad("-D : there is no such setting", ("-D", "=process")),
    "setting without a value": Bad("-D stack=true: not one of process", ("-D", "stack")),
    "binaries of TiKV that are not there": Bad(
        "TiKV: no pd-server in {tree}/steps\ntry: tiup install",
        ("-D", "stack=native", "-D", "tikv_bin=steps"),
        files={"features/two.feature": "@tikv\n" + FEATURE.replace(": one", ": two")},
    ),
    "setting of an unknown stack": Bad("-D stack=k8s: not one of process", ("-D", "stack=k8s")),
    "setting of an unknown model": Bad("-D model=gpt: not one of double", ("-D", "model=gpt")),
    "setting of no reports": Bad("-D reports: names no directory", ("-D", "reports=")),
    "setting in capitals": Bad(
        "-D STACK: there is no such setting; known settings: stack", ("-D", "STACK=process")
    ),
    "setting in the environment unknown": Bad(
        "ACCEPTANCE_STAK in the environment: there is no such setting", environ={"ACCEPTANCE_STAK": "x"}
    ),
    "setting in the environment of an unknown stack": Bad(
        "ACCEPTANCE_STACK in the environment=k8s: not one of process", environ={"ACCEPTANCE_STACK": "k8s"}
    ),
    "setting in the file unknown": Bad(
        "stak in [tool.behave.userdata]: there is no such setting",
        files={"pyproject.toml": GOOD["pyproject.toml"] + '[tool.behave.userdata]\nstak = "x"\n'},
    ),
    "sabotage unknown": Bad("there is no sabotage 'nice'; there are alarm_at_limit", ("-D", "sabotage=nice")),
    "sabotage that is a module of the machinery": Bad(
        "there is no sabotage 'sabotage'", ("-D", "sabotage=sabotage")
    ),
    "sabotage outside": Bad("there is no sabotage '../config'", ("-D", "sabotage=../config")),
    "profile missing": Bad("gone.toml: cannot be read: No such file", ("-D", "operator=gone.toml")),
    "profile that is a directory": Bad(
        "features: cannot be read: Is a directory", ("-D", "operator=features")
    ),
    "profile below a file": Bad("cannot be read: Not a directory", ("-D", "operator=environment.py/p")),
    "profile in a circle of links": Bad(
        "mine.toml: cannot be read: Too many levels",
        ("-D", "operator=mine.toml"),
        first=lambda tree: (tree / "mine.toml").symlink_to("mine.toml"),
    ),
    "profile of the built-in operator missing": Bad(
        "profile.toml: cannot be read",
        first=lambda tree: (tree / "systems/operator/profile.toml").unlink(),
    ),
    "profile that is not TOML": profile("mine.toml: is not TOML", "[operator"),
    "profile that is not text": Bad(
        "mine.toml: is not TOML",
        ("-D", "operator=mine.toml"),
        first=lambda tree: (tree / "mine.toml").write_bytes(b"\xff\xfe"),
    ),
    "profile that is empty": profile("operator.monitor: is missing", ""),
    "profile with another table": profile("the top level has an unknown key 'opeator'", "[opeator]\n"),
    "profile with a wrong key": profile("[operator] has an unknown key 'monitr'", "[operator]\nmonitr=['m']"),
    "profile with a command in one word": profile("must be a list of words", "[operator]\nmonitor='python'"),
    "profile with an empty command": profile("must be a list of words", "[operator]\nmonitor=[]"),
    "profile with a number in a command": profile("must be a list of words", "[operator]\nmonitor=['m',1]"),
    "profile with an unknown placeholder": profile(
        "operator.monitor: unknown placeholder {dbase}; known are {db}", "[operator]\nmonitor=['m','{dbase}']"
    ),
    "profile with an empty placeholder": profile(
        "operator.agent: unknown placeholder {}", MONITOR + "agent=['a{}']"
    ),
    "profile with a monitor that is nowhere": profile(
        "operator.monitor: there is no 'monitr-9' on the PATH /usr/local/sbin",
        "[operator]\nmonitor=['monitr-9']",
    ),
    "profile with an agent that is nowhere": profile(
        "operator.agent: there is no 'agent-9' on the PATH", MONITOR + "agent=['agent-9']"
    ),
    "profile with a demo that is nowhere": profile(
        "operator.demo: there is no file", MONITOR + "demo=['./demo-9']"
    ),
    "profile with a command beside it that is not there": profile(
        "operator.monitor: there is no file", "[operator]\nmonitor=['./monitor']"
    ),
    "profile with a command that is a directory": profile(
        "operator.monitor: there is no file", "[operator]\nmonitor=['./steps']"
    ),
    "profile with a command that is not executable": profile(
        "is not executable; try: chmod +x", "[operator]\nmonitor=['./environment.py']"
    ),
    "profile with a PATH that does not have the command": profile(
        "there is no 'sh' on the PATH /nowhere", "[operator]\nmonitor=['sh']\nenv={PATH='/nowhere'}"
    ),
    "profile with no directory to run in": profile("operator.cwd: ", MONITOR + "cwd='nowhere'"),
    "profile without a name": profile("operator.name: must be a text", MONITOR + "name=''"),
    "profile with an environment that is none": profile("env: must be a table", MONITOR + "env='x'"),
    "profile with a number in its environment": profile("env.A: must be a text", MONITOR + "env={A=1}"),
    "profile with an unknown pattern": profile("unknown key 'reday'", output("reday", "x")),
    "profile with a pattern that does not compile": profile(
        "operator.output.outcome: not a regular expression", output("outcome", "(")
    ),
    "profile with a pattern that is no text": profile(
        "operator.output.outcome: not a regular expression", MONITOR + "output={outcome=1}"
    ),
    "profile with a pattern without its group": profile(
        r"operator.output.violations_seen: has 0 of the 1 groups in parentheses",
        output("violations_seen", "trouble"),
    ),
    "profile with a pattern with half of its groups": profile(
        r"operator.output.ticket_opened: has 1 of the 2 groups", output("ticket_opened", "ticket (.*)")
    ),
    "profile with an unknown time": profile("unknown key 'intervall'", MONITOR + "timing={intervall=1}"),
    "profile with no time at all": profile("must be seconds above 0", MONITOR + "timing={interval=0}"),
    "profile with a time in words": profile("must be seconds above 0", MONITOR + "timing={interval='1s'}"),
    "register missing": Bad(
        "there is no requirement register here",
        first=lambda tree: (tree / "features/requirements.toml").unlink(),
    ),
    "register that is a directory": Bad(
        "requirements.toml: cannot be read: Is a directory",
        first=lambda tree: (
            (tree / "features/requirements.toml").unlink(),
            (tree / "features/requirements.toml").mkdir(),
        ),
    ),
    "register that is not TOML": register(
        "requirements.toml: not valid TOML", "[[requirement]]", "[[requirement"
    ),
    "register of nothing": register("no [[requirement]] in it", REGISTER, ""),
    "register with an id twice": register("DEMO-01: this id is there twice", REGISTER, REGISTER * 2),
    "register with a criterion twice": register(
        "DEMO-01.1: this id is there twice",
        '[{ id = "DEMO-01.1", text = "It starts." }]',
        '[{ id = "DEMO-01.1", text = "a" }, { id = "DEMO-01.1", text = "b" }]',
    ),
    "register with a malformed id": register("a requirement's id looks like DEMO-04", '"DEMO-01"', '"demo1"'),
    "register with a malformed criterion": register("looks like DEMO-01.1", '"DEMO-01.1"', '"DEMO-01-1"'),
    "register with somebody else's criterion": register(
        "stands under DEMO-01, but its id is of DEMO-02", '"DEMO-01.1"', '"DEMO-02.1"'
    ),
    "register without a title": register("DEMO-01: title is missing or empty", 'title = "The first"\n', ""),
    "register with an empty statement": register("statement is missing or empty", '"It works."', '" "'),
    "register with an unknown key": register("DEMO-01: unknown key titel", "title =", "titel = 'x'\ntitle ="),
    "tag of no requirement": feature(
        "features/two.feature:2: @DEMO-07 is not in the requirement register",
        "Feature: two\n  @DEMO-07\n  Scenario: b\n    Then it passes\n",
    ),
    "tag of no criterion": feature(
        "@DEMO-01.2 is not in the requirement register; did you mean DEMO-01.1?",
        "@DEMO-01.2\nFeature: two\n  Scenario: b\n    Then it passes\n",
    ),
    "tag asked for that no requirement has": Bad(
        "--tags @DEMO-09: @DEMO-09 is not in the requirement register", ("--tags", "@DEMO-09")
    ),
    "tag asked for that nothing has": Bad("No scenario is selected by --tags '@x'", ("--tags", "@x")),
    "tag expression that is none": Bad("TagExpression", ("--tags", "@a and (")),
    "name that nothing has": Bad("No scenario is selected by --name 'zz'", ("--name", "zz")),
    "feature that does not parse": feature(
        "features/two.feature", "Feature: two\n  Scenario: b\n    Then it passes\n    Nonsense\n"
    ),
    "feature with a table that is torn": feature(
        "features/two.feature",
        "Feature: two\n  Scenario: b\n    Then it passes\n      | a | b |\n      | 1 |\n",
    ),
    "feature that is not text": Bad(
        "features/two.feature: is not UTF-8",
        first=lambda tree: (tree / "features/two.feature").write_bytes(b"Feature: \xff\n"),
    ),
    "feature that is not there": Bad("features/nine.feature", ("features/nine.feature",)),
    "feature in an unknown language": feature(
        "features/two.feature: there is no language 'xx'", "# language: xx\nFeature: two\n"
    ),
    "no features at all": Bad(
        "No feature files in", first=lambda tree: (tree / "features/one.feature").unlink()
    ),
    "reports that are a file": Bad("one.feature", ("-D", "reports=features/one.feature")),
    "reports below a file": Bad("cannot be written to", ("-D", "reports=features/one.feature/reports")),
    "reports where nobody may write": Bad("cannot be written to", ("-D", "reports=/proc/reports")),
    "TMPDIR that is not there": Bad(
        "temporary directory: TMPDIR names {tree}/gone, which is not a directory",
        environ={"TMPDIR": "{tree}/gone"},
    ),
    "TMPDIR that is a file": Bad(
        "TMPDIR names {tree}/environment.py, which", environ={"TMPDIR": "{tree}/environment.py"}
    ),
    "TMPDIR where nobody may write": Bad("TMPDIR: /proc cannot be written to", environ={"TMPDIR": "/proc"}),
    "TMPDIR with a path that is too long for a socket": Bad(
        "is too long: the path of a socket may have 107 bytes",
        environ={"TMPDIR": "{tree}/" + "long/" * 20},
        first=lambda tree: (tree / ("long/" * 20)).mkdir(parents=True),
    ),
    "temporary directory that others may enter": Bad(
        "is not a directory of user",
        environ={"TMPDIR": "{tree}/t"},
        first=lambda tree: (tree / f"t/operator-acceptance-{os.getuid()}").mkdir(parents=True, mode=0o755),
    ),
    "temporary directory that is a link": Bad(
        "is not a directory",
        environ={"TMPDIR": "{tree}/t"},
        first=lambda tree: (
            (tree / "t").mkdir(),
            (tree / f"t/operator-acceptance-{os.getuid()}").symlink_to(tree),
        ),
    ),
    "stack to join that is not there": Bad(
        "join: no stack answers at {tree}/gone.sock: No such file", ("-D", "join=gone.sock")
    ),
    "stack to join that is no socket": Bad(
        "join: no stack answers at {tree}/environment.py: Connection refused", ("-D", "join=environment.py")
    ),
}


@pytest.fixture
def tree(tmp_path):
    """A checkout in miniature; its path is short, for unix sockets."""
    tree = Path("/tmp") / f"b{os.getpid()}-{tmp_path.name[-8:]}"
    for name, text in GOOD.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text, encoding="utf-8")
    yield tree
    shutil.rmtree(tree)


def environ(tree, **more):
    (tree / "tmp").mkdir(exist_ok=True)
    return {"PATH": os.defpath, "TMPDIR": str(tree / "tmp"), **more}


def assert_nothing_was_run(tree, ended, says):
    assert ended.status == 1, ended.output
    assert "Nothing was run." in ended.output or "TagExpressionError" in ended.output
    assert says in ended.output
    assert "Traceback" not in ended.output
    assert not (tree / "started").exists(), "a hook was called"
    assert not list(tree.glob("tmp/*/*")), "something was started"
    for name in KEPT:
        assert (tree / name).read_text(encoding="utf-8") == GOOD[name]


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_is_said_before_anything_is_started(tree, forks, name):
    bad = CASES[name]
    for path, text in bad.files.items():
        (tree / path).write_text(text, encoding="utf-8")
    bad.first(tree)
    ended = forks.behave(
        *bad.options,
        cwd=tree,
        environ=environ(tree) | {key: text.replace("{tree}", str(tree)) for key, text in bad.environ.items()},
    )
    assert_nothing_was_run(tree, ended, bad.says.replace("{tree}", str(tree)))


def test_there_are_more_than_sixty_of_them():
    assert len(CASES) >= 60


def test_without_anything_wrong_the_same_tree_runs(tree, forks):
    ended = forks.behave(cwd=tree, environ=environ(tree))
    assert ended.status == 0, ended.output
    assert (tree / "started").exists()
    assert not (tree / "reports/evidence/one").exists(), "evidence of an earlier run is left"


@pytest.mark.parametrize(
    ("server", "says"),
    [
        (None, "Redis: no Redis server on this machine"),
        (
            "#!/bin/sh\necho 'Redis server v=5.0.14 sha=0:0'\n",
            "Redis: no Redis server of version 6.2 or newer",
        ),
        ("#!/bin/sh\nexit 1\n", "does not say its version when asked"),
        ("not a program\n", "does not say its version when asked"),
    ],
)
def test_a_rate_limiter_needs_a_redis_that_is_new_enough(tree, forks, server, says):
    (tree / "features/one.feature").write_text("@ratelimiter\n" + FEATURE, encoding="utf-8")
    (tree / "bin").mkdir()
    (tree / "python").symlink_to(sys.executable)  # beside which there is no redis-server
    if server:
        (tree / "bin/redis-server").write_text(server, encoding="utf-8")
        (tree / "bin/redis-server").chmod(0o755)
    ended = forks.behave(cwd=tree, environ=environ(tree, PATH=str(tree / "bin")), executable=tree / "python")
    assert_nothing_was_run(tree, ended, says)
    assert "try: apt-get install redis-server" in ended.output


@pytest.fixture
def mounted():
    """Mounts a small file system on a directory; skips where that is not allowed."""
    directories = []

    def mount(directory, options):
        directory.mkdir(exist_ok=True)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "none", directory], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip("file systems cannot be mounted here")
        directories.append(directory)

    yield mount
    for directory in directories:
        subprocess.run(["umount", directory], check=True)


@pytest.mark.parametrize(
    ("options", "says"),
    [("ro", "cannot be written to: Read-only file system"), ("size=64k", "no room for 1024 KiB in")],
)
@pytest.mark.parametrize("what", ["reports", "tmp"])
def test_a_directory_that_takes_no_files_is_named(tree, forks, mounted, what, options, says):
    mounted(tree / "elsewhere", options)
    variables = environ(tree)
    settings = ()
    if what == "reports":
        settings = ("-D", "reports=elsewhere")
    else:
        variables["TMPDIR"] = str(tree / "elsewhere")
    assert_nothing_was_run(tree, forks.behave(*settings, cwd=tree, environ=variables), says)


def test_a_temporary_directory_from_which_nothing_is_executed_is_named(tree, forks, mounted):
    mounted(tree / "t", "noexec")
    ended = forks.behave(cwd=tree, environ=environ(tree, TMPDIR=str(tree / "t")))
    assert_nothing_was_run(tree, ended, f"{tree}/t is mounted noexec")


def test_files_that_may_not_grow_are_no_room_for_reports(tree, forks):
    ended = forks.behave(cwd=tree, environ=environ(tree), largest_file=65536)
    assert_nothing_was_run(tree, ended, "there is no room for 1024 KiB")


def test_a_profile_that_may_not_be_read_is_named(tree, forks):
    if os.getuid() == 0:
        pytest.skip("the superuser may read everything")
    (tree / "mine.toml").touch(mode=0)
    ended = forks.behave("-D", "operator=mine.toml", cwd=tree, environ=environ(tree))
    assert_nothing_was_run(tree, ended, "mine.toml: cannot be read: Permission denied")


def test_a_machine_without_free_ports_says_so(tree):
    """In a network of its own whose ports are all but two taken away."""
    few = (
        "ip link set lo up 2>/dev/null; echo '40000 40001' > /proc/sys/net/ipv4/ip_local_port_range && "
        f"exec {sys.executable} -m behave"
    )
    ended = subprocess.run(
        ["unshare", "-rn", "sh", "-c", few],
        cwd=tree,
        env=environ(tree, PATH=os.environ["PATH"]),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if "unshare" in ended.stdout or "sh:" in ended.stdout:
        pytest.skip("networks cannot be unshared here")
    assert ended.returncode == 1, ended.stdout
    assert "of 8 ports are free on 127.0.0.1" in ended.stdout
    assert not (tree / "started").exists()
    assert (tree / KEPT[0]).read_text() == GOOD[KEPT[0]]


def test_permissions_of_what_is_kept_are_kept(tree, forks):
    (tree / KEPT[0]).chmod(0o640)
    forks.behave("-D", "stak=1", cwd=tree, environ=environ(tree))
    assert stat.S_IMODE((tree / KEPT[0]).stat().st_mode) == 0o640
