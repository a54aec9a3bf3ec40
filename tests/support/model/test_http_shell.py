"""Each client alone is enough to look and to repair."""

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from support.model.http_shell import CLIENTS, client_in, first_look, look_again, request


@pytest.fixture(params=["/bin/sh", "/bin/bash"])
def run(request: pytest.FixtureRequest, ratelimiter: Any) -> Callable[..., Any]:
    def in_shell(command: str, path: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [request.param, "-c", command],
            env={"PATH": path, "API": ratelimiter.url, "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return in_shell


@pytest.mark.parametrize("client", CLIENTS)
def test_the_first_look_finds_the_only_client_and_uses_it(client: str, run: Any, path_with: Any) -> None:
    ran = run(first_look(['"$API/api/limits"', '"$API/api/nodes"']), path_with(client))
    assert client_in(ran.stdout) == client
    assert '{"key": "checkout", "limit": 10}' in ran.stdout
    assert "ratelimiter-1" in ran.stdout
    assert "failed" not in ran.stdout


def test_a_machine_without_any_client_is_told_as_such(run: Any, path_with: Any) -> None:
    ran = run(first_look(['"$API/api/limits"']), path_with())
    assert client_in(ran.stdout) is None
    assert "client: none" in ran.stdout
    assert "failed: exit status 1" in ran.stdout


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/nodes", None),
        ("POST", "/api/counters/checkout/reset", None),
        ("PUT", "/api/limits/checkout", '{"limit": 5, "by": "it\'s é"}'),
    ],
)
def test_a_request_arrives_as_it_was_meant(
    client: str, method: str, path: str, body: str | None, run: Any, path_with: Any, ratelimiter: Any
) -> None:
    ran = run(request(client, method, f'"$API{path}"', body), path_with(client))
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip().startswith("{")
    assert ratelimiter.received == [" ".join(filter(None, (method, path, body)))]


@pytest.mark.parametrize("client", CLIENTS)
def test_an_error_status_fails_the_command(client: str, run: Any, path_with: Any, ratelimiter: Any) -> None:
    ratelimiter.status = 503
    path = path_with(client)
    assert run(request(client, "GET", '"$API/api/nodes"'), path).returncode != 0
    assert "failed: exit status" in run(look_again(client, '"$API/api/nodes"'), path).stdout


@pytest.mark.parametrize("client", CLIENTS)
def test_a_server_that_is_gone_fails_the_command(client: str, run: Any, path_with: Any) -> None:
    # Port 1 is privileged and unused; nothing listens there.
    assert run(request(client, "GET", '"http://127.0.0.1:1/api"'), path_with(client)).returncode != 0


def test_an_unknown_client_is_refused() -> None:
    with pytest.raises(ValueError, match="'lynx'"):
        request("lynx", "GET", "x")
