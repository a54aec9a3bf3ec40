"""The HTTP API of a node."""

import math
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from time import perf_counter
from typing import Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from systems.ratelimiter.limiter import (
    DEFAULT_WINDOW_MS,
    Limit,
    Limiter,
    Standing,
    Unreadable,
)
from systems.ratelimiter.members import Membership
from systems.ratelimiter.metrics import CONTENT_TYPE, CheckMetrics
from systems.ratelimiter.redis_link import RedisLink, RedisUnreachableError
from systems.ratelimiter.validation import InvalidRequestError, read_check, read_limit, valid_key

_MAX_BODY = 64 * 1024


class _Lifespan(Protocol):
    def __call__(self, app: Starlette, /) -> AbstractAsyncContextManager[None]: ...


def make_app(
    *,
    node_id: str,
    link: RedisLink,
    limiter: Limiter,
    membership: Membership,
    metrics: CheckMetrics,
    lifespan: _Lifespan,
) -> Starlette:
    """Return the ASGI application of one node.

    Fails closed: without an answer from Redis, every path but `/health` and `/metrics` answers
    503, and a check says `allowed` false.
    """

    async def check(request: Request) -> Response:
        key, asked = await read_check(request)
        began = perf_counter()
        try:
            standing = await limiter.check(key, limit=asked.limit, window_ms=asked.window_ms)
        except RedisUnreachableError as error:
            metrics.failed(perf_counter() - began)
            return JSONResponse({"allowed": False, "error": _unreachable(error)}, 503)
        if isinstance(standing, Unreadable):
            metrics.failed(perf_counter() - began)
            return JSONResponse({"allowed": False, "error": standing.problem}, 500)
        metrics.answered(standing.allowed, perf_counter() - began)
        return _checked(standing)

    async def nodes(request: Request) -> Response:
        return JSONResponse({"nodes": [asdict(node) for node in await membership.nodes()]})

    async def counters(request: Request) -> Response:
        return JSONResponse({"counters": [_counter(found) for found in await limiter.counters()]})

    async def limits(request: Request) -> Response:
        return JSONResponse({"limits": [_limit(found) for found in await limiter.limits()]})

    async def put_limit(request: Request) -> Response:
        key = valid_key(request.path_params["key"])
        asked = await read_limit(request)
        assert asked.limit is not None
        limit = Limit(key, asked.limit, asked.window_ms or DEFAULT_WINDOW_MS)
        await limiter.store_limit(limit)
        return JSONResponse(asdict(limit))

    async def blocks(request: Request) -> Response:
        blocked = [
            {
                "key": standing.key,
                "count": standing.count,
                "limit": standing.limit,
                "retry_after_seconds": standing.retry_after_ms / 1000,
            }
            for standing in await limiter.counters()
            if isinstance(standing, Standing) and not standing.allowed
        ]
        return JSONResponse({"blocks": blocked})

    async def reset(request: Request) -> Response:
        key = valid_key(request.path_params["key"])
        return JSONResponse({"key": key, "cleared": await limiter.reset(key)})

    async def health(request: Request) -> Response:
        try:
            async with link.question() as redis:
                await redis.ping()
        except RedisUnreachableError as error:
            degraded = {"status": "degraded", "node": node_id, "redis": f"unreachable: {error}"}
            return JSONResponse(degraded, 503)
        return JSONResponse({"status": "ok", "node": node_id, "redis": "ok"})

    async def scrape(request: Request) -> Response:
        return Response(metrics.exposition(), media_type=CONTENT_TYPE)

    return Starlette(
        routes=[
            Route("/check", check, methods=["POST"]),
            Route("/api/nodes", nodes),
            Route("/api/counters", counters),
            Route("/api/counters/{key:path}/reset", reset, methods=["POST"]),
            Route("/api/limits", limits),
            Route("/api/limits/{key:path}", put_limit, methods=["PUT"]),
            Route("/api/blocks", blocks),
            Route("/health", health),
            Route("/metrics", scrape),
        ],
        exception_handlers={
            InvalidRequestError: _invalid,
            RedisUnreachableError: _no_redis,
            HTTPException: _http_error,
            Exception: _unexpected,
        },
        lifespan=lifespan,
        max_body_size=_MAX_BODY,
    )


def _checked(standing: Standing) -> Response:
    headers = {
        "X-RateLimit-Limit": str(standing.limit),
        "X-RateLimit-Remaining": str(standing.remaining),
        "X-RateLimit-Reset": str(math.ceil(standing.slot_freed_ms / 1000)),
    }
    if not standing.allowed:
        headers["Retry-After"] = headers["X-RateLimit-Reset"]
    answer = {
        "allowed": standing.allowed,
        "current_count": standing.count,
        "remaining": standing.remaining,
        "retry_after_seconds": standing.retry_after_ms / 1000,
    }
    return JSONResponse(answer, 200 if standing.allowed else 429, headers)


def _counter(found: Standing | Unreadable) -> Mapping[str, object]:
    if isinstance(found, Unreadable):
        return {"key": found.key, "error": found.problem}
    return {
        "key": found.key,
        "count": found.count,
        "limit": found.limit,
        "window_ms": found.window_ms,
        "remaining": found.remaining,
    }


def _limit(found: Limit | Unreadable) -> Mapping[str, object]:
    if isinstance(found, Unreadable):
        return {"key": found.key, "error": found.problem}
    return asdict(found)


def _unreachable(error: Exception) -> str:
    return f"Redis unreachable: {error}"


async def _invalid(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 422)


async def _no_redis(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": _unreachable(error)}, 503)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    text = f"{error.detail}: {request.method} {request.url.path}"
    return JSONResponse({"error": text}, error.status_code, error.headers)


async def _unexpected(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": f"internal error: {type(error).__name__}"}, 500)
