"""HTTP from a shell on a machine about which nothing is known: with curl, wget, python3 or bash alone.

A slim container has no curl. So the first command finds out which client there is, and later commands use it.
All of this is POSIX shell; only the client `bash` needs bash, for its `/dev/tcp`.
"""

import re
import shlex
from collections.abc import Sequence

CLIENTS = ("curl", "wget", "python3", "bash")
"""In order of preference."""

_PYTHON = """\
import sys, urllib.request as u
body = sys.argv[3].encode() if len(sys.argv) > 3 else None
asked = u.Request(sys.argv[2], body, {"Content-Type": "application/json"}, method=sys.argv[1])
try: print(u.urlopen(asked, timeout=5).read().decode())
except OSError as error: sys.exit(f"{asked.full_url}: {error}")"""

# HTTP/1.0, so that the answer comes unchunked and the server closes the connection after it.
_BASH = r"""
rest=${2#http://} host=${rest%%/*} path=/${rest#*/} body=${3-} LC_ALL=C
case $host in *:*) port=${host##*:} ;; *) port=80 ;; esac
exec 3<>"/dev/tcp/${host%:*}/$port" || exit 7
printf "%s %s HTTP/1.0\r\nHost: %s\r\nContent-Type: application/json\r\n" "$1" "$path" "$host" >&3
printf "Content-Length: %d\r\n\r\n%s" ${#body} "$body" >&3
read -r -t 5 version status reason <&3 || exit 28
while read -r -t 5 line <&3 && [ "$line" != $'\r' ]; do :; done
while IFS= read -r -t 5 line <&3 || [ -n "$line" ]; do printf "%s\n" "$line"; done
case $status in 2*) ;; *) echo "HTTP $status $reason" >&2; exit 22 ;; esac"""


def request(client: str, method: str, url: str, body: str | None = None) -> str:
    """The shell command by which `client` sends one request and prints the body of the answer.

    `url` is a shell word, such as `"$API/health"` with its quotes; `body` is JSON. The command waits 5 s
    at most, and fails when the server cannot be reached or answers with another status than 2xx.
    """
    data = "" if body is None else " " + shlex.quote(body)
    match client:
        case "curl":
            sending = f" -H 'Content-Type: application/json' --data-raw{data}" if data else ""
            return f"curl -fsS -m 5 -X {method}{sending} {url}"
        case "wget":
            return f"wget -q -T 5 -t 1 -O -{_wget_sending(method, data)} {url}"
        case "python3":
            return f"python3 -c {shlex.quote(_PYTHON)} {method} {url}{data}"
        case "bash":
            return f"bash -c {shlex.quote(_BASH)} http {method} {url}{data}"
    raise ValueError(f"unknown HTTP client {client!r}; known are {', '.join(CLIENTS)}")


def _wget_sending(method: str, data: str) -> str:
    # GET and POST in the form that BusyBox knows as well; for other methods only GNU wget has one.
    if method == "GET":
        return ""
    header = " --header 'Content-Type: application/json'"
    if method == "POST":
        return header + " --post-data" + (data or " ''")
    return header + f" --method={method}" + (f" --body-data{data}" if data else "")


def first_look(urls: Sequence[str]) -> str:
    """One command that finds a client, says which, and prints each URL (a shell word) under a heading."""
    cases = [f"  {client}) " + request(client, "GET", '"$1"') + " ;;" for client in CLIENTS]
    return "\n".join(
        (
            f"for c in {' '.join(CLIENTS)}; do command -v $c >/dev/null 2>&1 && break; c=none; done",
            'echo "client: $c"',
            'get() { echo "GET $1"; case $c in',
            *cases,
            "  *) false ;;",
            'esac || echo "failed: exit status $?"; echo; }',
            *(f"get {url}" for url in urls),
        )
    )


def look_again(client: str, url: str) -> str:
    """One command that prints `url` (a shell word) under the same heading, with the client found before."""
    return f'echo GET {url}; {request(client, "GET", url)} || echo "failed: exit status $?"'


def client_in(output: str) -> str | None:
    """The client that a `first_look` found, or None."""
    named = re.search(r"^client: (\w+)\s*$", output, re.MULTILINE)
    return named[1] if named and named[1] in CLIENTS else None


def answer_of_any(url: str) -> str:
    """The shell command that prints `url` (a shell word) with whatever client the machine has."""
    tried = (
        f"{{ command -v {client} >/dev/null && {request(client, 'GET', url)} 2>/dev/null; }}"
        for client in CLIENTS
    )
    return " || ".join(tried)
