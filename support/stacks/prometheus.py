"""A Prometheus beside a stack, which keeps the metrics of its nodes.

https://prometheus.io/docs/prometheus/latest/configuration/configuration/ (Prometheus 2 and 3).
"""

import json
import os
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from support.supervisor import CannotStart, Command, DiedEarly, Http, NotReady, Supervisor, reserve_port
from support.verdict import BrokenBed, NotVerified

_SCRAPES = "500ms"
_RECENTLY = "5s"


def find_prometheus(environ: Mapping[str, str]) -> str | None:
    """The Prometheus on the PATH."""
    return shutil.which("prometheus", path=environ.get("PATH", os.defpath))


class Prometheus:
    """One that runs; `targets` is how many addresses it scrapes."""

    def __init__(self, url: str, *, targets: int) -> None:
        self.url = url
        self._targets = targets

    async def value(self, http: httpx.AsyncClient, query: str) -> float | None:
        """The one value of a query; None where there is none. Raises httpx.HTTPError."""
        answer = await http.get(f"{self.url}/api/v1/query", params={"query": query})
        answer.raise_for_status()
        result = answer.json()["data"]["result"]
        return float(result[0]["value"][1]) if result else None

    async def problems(self, http: httpx.AsyncClient) -> list[str]:
        """What keeps it from telling rates, in words. Raises httpx.HTTPError."""
        seen = await self.value(http, f"count(count_over_time(up[{_RECENTLY}]) >= 2 and up == 1)") or 0
        return [] if seen == self._targets else [f"Prometheus sees {seen:g} of {self._targets} nodes"]


@asynccontextmanager
async def start_prometheus(
    *,
    jobs: Mapping[str, Sequence[str]],
    directory: Path,
    supervisor: Supervisor,
    environ: Mapping[str, str],
    host: str = "127.0.0.1",
) -> AsyncIterator[Prometheus]:
    """Start a Prometheus that scrapes these addresses by job, and listens at this address of the machine.

    Raises NotVerified where there is none, BrokenBed when it does not come up.
    """
    program = find_prometheus(environ)
    if program is None:
        raise NotVerified("there is no prometheus on the PATH to keep metrics: apt-get install prometheus")
    home = directory / "prometheus"
    home.mkdir()
    config = {
        "global": {"scrape_interval": _SCRAPES, "scrape_timeout": _SCRAPES},
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": list(targets)}]} for job, targets in jobs.items()
        ],
    }
    (home / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
    with reserve_port(host) as port:
        url = f"http://{host}:{port.number}"
        command = Command(
            name="prometheus",
            argv=[
                program,
                f"--config.file={home / 'prometheus.yml'}",
                f"--storage.tsdb.path={home / 'data'}",
                f"--web.listen-address={host}:{port.number}",
                "--log.level=warn",
            ],
            cwd=home,
            env={"PATH": os.defpath, "TMPDIR": str(home)},
            ready=Http(f"{url}/-/ready"),
            ready_within=60,
        )
        try:
            process = await supervisor.start(command)
        except (CannotStart, DiedEarly, NotReady) as error:
            raise BrokenBed(f"Prometheus did not come up: {error}") from error
        try:
            yield Prometheus(url, targets=sum(map(len, jobs.values())))
        finally:
            await process.stop()
