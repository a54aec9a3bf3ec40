"""What every test may use: asyncio, and the suite's command without the second its imports take."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest

_FORKS = """
import json, os, resource, sys, tempfile, traceback
import behave.__main__, support.runner

def begin(job):
    os.setsid()
    os.chdir(job["cwd"])
    os.environ.clear()
    os.environ.update(job["environ"])
    for number, path in enumerate((os.devnull, job["output"], job["output"])):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND), number)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)
    sys.argv = ["behave", *job["options"]]
    sys.executable = job["executable"] or sys.executable
    tempfile.tempdir = None
    if job["largest_file"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (job["largest_file"],) * 2)
    try:
        return behave.__main__.main()
    except SystemExit as exit:
        return exit.code
    except BaseException:
        traceback.print_exc()
        return 70

for line in sys.stdin:
    job = json.loads(line)
    child = os.fork()
    if not child:
        status = begin(job)
        sys.stdout.flush()
        os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended, and all that it printed."""

    status: int
    output: str


class Forks:
    """Runs behave in forks of one process that has imported everything; nothing else is shared."""

    def __init__(self, process: "subprocess.Popen[str]", directory: Path) -> None:
        self._process = process
        self._directory = directory
        self._count = 0

    def behave(
        self,
        *options: str,
        cwd: Path,
        environ: Mapping[str, str] = MappingProxyType({}),
        executable: Path | None = None,
        largest_file: int | None = None,
    ) -> Ended:
        """Run `behave` with nothing in its environment but `environ`; `largest_file` is in bytes."""
        self._count += 1
        output = self._directory / f"output-{self._count}"
        job: Mapping[str, str | int | Sequence[str] | Mapping[str, str] | None] = {
            "cwd": str(cwd),
            "environ": dict(environ),
            "options": options,
            "output": str(output),
            "executable": str(executable) if executable else None,
            "largest_file": largest_file,
        }
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        status = int(self._process.stdout.readline())
        return Ended(status, output.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    with subprocess.Popen(
        [sys.executable, "-c", _FORKS],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Forks(process, tmp_path_factory.mktemp("forks"))
        assert process.stdin
        process.stdin.close()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
