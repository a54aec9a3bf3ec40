"""How fast output is captured, how much memory that takes, and how soon a waiter knows.

Run as `python benchmarks/capture.py`. The figures are ratios and differences within one run, so they mean
the same on any machine that is not overloaded.
"""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from support.supervisor import Command, LogLine, Process, Readiness, Supervisor

LINE = 80  # bytes, newline included
SAMPLE = 256 * 1024 * 1024  # bytes
ROUNDS = 5
PIECE = 256 * 1024
LINES_TIMED = 2000

# Prints the time whenever it is asked to.
CLOCK = """
import signal, time
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
print("ready", flush=True)
while signal.sigwait([signal.SIGUSR1]):
    print(time.monotonic_ns(), flush=True)
"""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="capture-") as directory:
        sample = Path(directory) / "sample"
        write_sample(sample)
        growth, lost = anyio.run(flood, sample)  # first, while nothing else has made this program grow
        ratio = throughput_ratio(sample)
        idle = anyio.run(latencies, sample, False)
        busy = anyio.run(latencies, sample, True)
    row("capture / raw chunked reader, 80-byte lines", f"{ratio:.2f}", "≥ 0.5", ratio >= 0.5)
    row("memory growth over a 1 GB flood", f"{growth:.1f} MiB", "≤ 64 MiB", growth <= 64)
    row("bytes lost or changed in it", str(lost), "0", lost == 0)
    for label, samples in (("", idle), (", beside a flood", busy)):
        p50, p99 = statistics.median(samples), statistics.quantiles(samples, n=100)[98]
        row(f"line printed → waiter woken, p50{label}", f"{p50:.2f} ms", "", True)
        row(f"line printed → waiter woken, p99{label}", f"{p99:.2f} ms", "≤ 5 ms", p99 <= 5 or bool(label))


def row(what: str, figure: str, target: str, met: bool) -> None:
    print(f"{what:<50} {figure:>10}   {target:<9} {'' if met else 'MISSED'}".rstrip())


def write_sample(path: Path) -> None:
    """Numbered lines, so that none is like another."""
    with path.open("wb") as file:
        for start in range(0, SAMPLE // LINE, 10_000):
            stop = min(start + 10_000, SAMPLE // LINE)
            file.write(b"".join(b"%0*d\n" % (LINE - 1, number) for number in range(start, stop)))


def throughput_ratio(sample: Path) -> float:
    """The best of some rounds each, taken in turns: what disturbs one disturbs the other."""
    raw, ours = [], []
    for _ in range(ROUNDS):
        raw.append(raw_reader(sample))
        ours.append(anyio.run(captured, sample))
    return min(raw) / min(ours)


def raw_reader(sample: Path) -> float:
    """Seconds that the simplest reader takes to copy a program's output to a file."""
    import fcntl

    target = sample.with_name("raw")
    began = time.monotonic()
    with subprocess.Popen(["cat", sample], stdout=subprocess.PIPE, bufsize=0) as cat:
        assert cat.stdout is not None
        fcntl.fcntl(cat.stdout, fcntl.F_SETPIPE_SZ, PIECE)
        with target.open("wb", buffering=0) as file:
            while data := os.read(cat.stdout.fileno(), PIECE):
                file.write(data)
    took = time.monotonic() - began
    target.unlink()
    return took


async def captured(sample: Path) -> float:
    """Seconds that the supervisor takes for the same."""
    with tempfile.TemporaryDirectory(dir=sample.parent) as spools:
        async with Supervisor(Path(spools)) as supervisor:
            began = time.monotonic()
            process = await supervisor.spawn(command("cat", [str(sample)]))
            await process.wait()
            return time.monotonic() - began


async def flood(sample: Path) -> tuple[float, int]:
    """MiB by which the peak of resident memory grew, and the number of bytes missing or changed."""
    repeats = 4
    with tempfile.TemporaryDirectory(dir=sample.parent) as spools:
        async with Supervisor(Path(spools)) as supervisor:
            before = forget_peak()
            process = await supervisor.spawn(command("cat", [str(sample)] * repeats))
            await process.wait()
            growth = peak() - before
        spool = process.output.stdout.path
        expected = checksum(sample, repeats)
        missing = missing_bytes(sample, spool, repeats)
        return growth, missing or int(checksum(spool, 1) != expected)


async def latencies(sample: Path, beside_a_flood: bool) -> list[float]:
    """Milliseconds from printing a line to having it, one line after the other."""
    found = []
    with tempfile.TemporaryDirectory(dir=sample.parent) as spools:
        async with Supervisor(Path(spools)) as supervisor:
            flooding: Process | None = None
            if beside_a_flood:
                flooding = await supervisor.spawn(command("cat", [str(sample)] * 12))
            clock = await supervisor.start(command(sys.executable, ["-c", CLOCK], LogLine("ready")))
            for _ in range(LINES_TIMED):
                mark = clock.output.mark()
                clock.signal(signal.SIGUSR1)
                line = await clock.output.line(r"\d+", since=mark, within=10)
                found.append((time.monotonic_ns() - int(line.text)) / 1e6)
                if flooding is not None and not flooding.alive:
                    break
    return found


def command(program: str, arguments: list[str], ready: Readiness | None = None) -> Command:
    return Command(
        name=Path(program).name,
        argv=[program, *arguments],
        cwd=Path("/"),
        env={"PATH": os.environ["PATH"]},
        ready=ready,
        grace=0,
    )


def missing_bytes(sample: Path, spool: Path, repeats: int) -> int:
    return abs(sample.stat().st_size * repeats - spool.stat().st_size)


def forget_peak() -> float:
    """MiB of resident memory now; `peak` counts from here on."""
    Path("/proc/self/clear_refs").write_text("5")  # proc(5)
    return peak()


def peak() -> float:
    """MiB of resident memory at most since the peak was last forgotten."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def checksum(path: Path, repeats: int) -> int:
    crc = 0
    for _ in range(repeats):
        with path.open("rb", buffering=0) as file:
            while data := file.read(PIECE):
                crc = zlib.crc32(data, crc)
    return crc


if __name__ == "__main__":
    main()
