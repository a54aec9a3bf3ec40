"""The flags of pd-server and tikv-server that the stand-ins take; `--name=x` and `--name x` alike."""

import argparse
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from systems.tikv.timing import VARIABLE
from systems.tikv.version import GIT_HASH, VERSION

_UNITS = {"": 1, "B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40, "PB": 1 << 50}


@dataclass(frozen=True)
class PdFlags:
    """What pd-server is told. URLs have no trailing slash; `initial_cluster` maps names to peer URLs."""

    name: str
    data_dir: Path
    client_urls: tuple[str, ...]
    advertise_client_urls: tuple[str, ...]
    peer_urls: tuple[str, ...]
    advertise_peer_urls: tuple[str, ...]
    initial_cluster: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class TikvFlags:
    """What tikv-server is told. Addresses are `host:port`; `capacity` is in bytes, 0 for the disk's own."""

    addr: str
    advertise_addr: str
    status_addr: str
    advertise_status_addr: str
    data_dir: Path
    pd: tuple[str, ...]
    capacity: int


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _parser(program: str, scale: float) -> _Parser:
    parser = _Parser(
        prog=program,
        allow_abbrev=False,
        description=f"A stand-in for {program} {VERSION}: its flags and HTTP API, none of its engine.",
        epilog=f"{VARIABLE} (now {scale:g}) makes every time of the cluster so many times shorter.",
    )
    version = (
        f"Release Version: {VERSION}\nEdition: Community\nGit Commit Hash: {GIT_HASH}\n"
        f"Stand-in: yes\nTime Scale: {scale:g}"
    )
    parser.add_argument("-V", "--version", action="version", version=version)
    parser.formatter_class = _AsWritten
    return parser


class _AsWritten(argparse.HelpFormatter):
    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text


def read_pd_flags(argv: Sequence[str], scale: float) -> PdFlags:
    """Return the flags, or leave with status 2 and a line that says what is wrong."""
    parser = _parser("pd-server", scale)
    add = parser.add_argument
    add("--name", default=f"pd-{socket.gethostname()}", help="name of this member")
    add("--data-dir", help='path to the data directory (default "default.${name}")')
    add("--client-urls", default="http://127.0.0.1:2379", help="URLs to listen on for clients")
    add("--advertise-client-urls", help="client URLs that others use (default: --client-urls)")
    add("--peer-urls", default="http://127.0.0.1:2380", help="URLs to listen on for other members")
    add("--advertise-peer-urls", help="peer URLs that others use (default: --peer-urls)")
    add("--initial-cluster", help='all members, "pd=http://127.0.0.1:2380,…" (default: this one alone)')
    given = parser.parse_args(argv)
    peers = _urls(parser, "--peer-urls", given.peer_urls)
    advertised = _urls(parser, "--advertise-peer-urls", given.advertise_peer_urls or given.peer_urls)
    clients = _urls(parser, "--client-urls", given.client_urls)
    cluster: dict[str, tuple[str, ...]] = {}
    for part in (given.initial_cluster or f"{given.name}={advertised[0]}").split(","):
        name, equals, url = part.partition("=")
        if not equals or not name:
            parser.error(f"--initial-cluster must hold NAME=URL, not {part!r}")
        cluster[name] = (*cluster.get(name, ()), *_urls(parser, "--initial-cluster", url))
    if given.name not in cluster:
        parser.error(f"--initial-cluster does not name this member, {given.name!r}")
    if set(cluster[given.name]) != set(advertised):
        parser.error(
            f"--initial-cluster says {','.join(cluster[given.name])} of this member, "
            f"--advertise-peer-urls {','.join(advertised)}"
        )
    return PdFlags(
        name=given.name,
        data_dir=Path(given.data_dir or f"default.{given.name}"),
        client_urls=clients,
        advertise_client_urls=_urls(
            parser, "--advertise-client-urls", given.advertise_client_urls or given.client_urls
        ),
        peer_urls=peers,
        advertise_peer_urls=advertised,
        initial_cluster=cluster,
    )


def read_tikv_flags(argv: Sequence[str], scale: float) -> TikvFlags:
    """Return the flags, or leave with status 2 and a line that says what is wrong."""
    parser = _parser("tikv-server", scale)
    add = parser.add_argument
    add("-A", "--addr", default="127.0.0.1:20160", help="address to listen on")
    add("--advertise-addr", help="address that others use (default: --addr)")
    add("--status-addr", default="127.0.0.1:20180", help="address of the status server")
    add("--advertise-status-addr", help="status address that others use (default: --status-addr)")
    add("-s", "--data-dir", default="./", help="path to the data directory")
    add("--pd", "--pd-endpoints", required=True, help='PD endpoints, "127.0.0.1:2379,…"')
    add("--capacity", default="0", help='capacity of the store, as "10GB" (default: that of the disk)')
    given = parser.parse_args(argv)
    return TikvFlags(
        addr=_address(parser, "--addr", given.addr),
        advertise_addr=_address(parser, "--advertise-addr", given.advertise_addr or given.addr),
        status_addr=_address(parser, "--status-addr", given.status_addr),
        advertise_status_addr=_address(
            parser, "--advertise-status-addr", given.advertise_status_addr or given.status_addr
        ),
        data_dir=Path(given.data_dir),
        pd=tuple(_address(parser, "--pd", part.removeprefix("http://")) for part in given.pd.split(",")),
        capacity=_size(parser, given.capacity),
    )


def host_and_port(address: str) -> tuple[str, int]:
    """Return the two halves of `host:port` or of a URL; raises ValueError."""
    parts = urlsplit(address if "//" in address else f"//{address}")
    if not parts.hostname or parts.port is None:
        raise ValueError(f"no host and port in {address!r}")
    return parts.hostname, parts.port


def _urls(parser: _Parser, flag: str, text: str) -> tuple[str, ...]:
    urls = tuple(url.rstrip("/") for url in text.split(","))
    for url in urls:
        if not url.startswith("http://"):
            parser.error(f"{flag} must hold http:// URLs, not {url!r}")
        _address(parser, flag, url)
    return urls


def _address(parser: _Parser, flag: str, text: str) -> str:
    try:
        host_and_port(text)
    except ValueError:
        parser.error(f"{flag} must name a host and a port, not {text!r}")
    return text


def _size(parser: _Parser, text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGTP]?i?B)?", text)
    if not match:
        parser.error(f'--capacity must be a size such as "10GB", not {text!r}')
    return int(float(match[1]) * _UNITS[(match[2] or "").replace("i", "")])
