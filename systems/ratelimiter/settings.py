"""What a node is told at its start: flags first, then the environment, then defaults."""

import argparse
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Settings:
    """One node's settings; `heartbeat` and `node_ttl` are in seconds."""

    node_id: str
    host: str
    port: int
    redis_url: str
    heartbeat: float
    node_ttl: float
    advertise: str = ""
    """`host:port` that the others are told; empty is where this node listens."""


def read_settings(argv: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """Return the settings, or leave with status 2 and a line that says what is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m systems.ratelimiter",
        description="Run one rate limiter node. Each setting may also come from the environment.",
    )

    def setting(flag: str, variable: str, default: str, text: str) -> None:
        parser.add_argument(
            flag,
            default=environ.get(variable, default),
            metavar=variable,
            help=f"{text} (default: {default or 'none'})",
        )

    setting("--id", "NODE_ID", "", "name of this node, unique among the nodes of one Redis")
    setting("--host", "NODE_HOST", "127.0.0.1", "address to listen on")
    setting("--port", "NODE_PORT", "8001", "port to listen on; 0 takes a free one")
    setting("--redis", "REDIS_URL", "redis://127.0.0.1:6379/0", "Redis that the nodes share")
    setting("--heartbeat", "HEARTBEAT_SECONDS", "0.5", "seconds between two heartbeats")
    setting("--node-ttl", "NODE_TTL_SECONDS", "1.5", "seconds after which a silent node is Down")
    setting("--advertise", "NODE_ADVERTISE", "", "host:port by which others reach this node, if another")
    given = parser.parse_args(argv)

    if not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", given.id):
        parser.error(
            f"the node's id must be letters, digits, '.', '_' or '-', not {given.id!r}; "
            "give it with --id or NODE_ID"
        )
    if not re.fullmatch(r"\d{1,5}", given.port) or int(given.port) > 65535:
        parser.error(f"the port must be a number from 0 to 65535, not {given.port!r}")
    if urlsplit(given.redis).scheme not in ("redis", "rediss", "unix"):
        parser.error(
            "the Redis URL must begin with redis://, rediss:// or unix://; give it with --redis or REDIS_URL"
        )
    if given.advertise and not re.fullmatch(r"\S+:\d{1,5}", given.advertise):
        parser.error(f"the address to advertise must be host:port, not {given.advertise!r}")
    heartbeat = _seconds(parser, "--heartbeat", given.heartbeat)
    node_ttl = _seconds(parser, "--node-ttl", given.node_ttl)
    if node_ttl <= heartbeat:
        parser.error(
            f"a node-ttl of {node_ttl:g} s must be longer than the heartbeat of {heartbeat:g} s, "
            "or a healthy node would be Down between two heartbeats"
        )
    return Settings(given.id, given.host, int(given.port), given.redis, heartbeat, node_ttl, given.advertise)


def _seconds(parser: argparse.ArgumentParser, flag: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0.001 <= seconds <= 86_400:
        parser.error(f"{flag} must be seconds from 0.001 to 86400, not {text!r}")
    return seconds
