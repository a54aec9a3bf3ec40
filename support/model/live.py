"""The way to the real model: passes on what the operator asks, counts what it costs, and ends it in time.

The operator never gets the real key. It is put in here, on the way out, so that no command that a model
runs on this machine can find it in the operator's environment.
"""

import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from support.evidence.redaction import Redactor
from support.model.history import Histories
from support.model.meter import Meter, Usage
from support.model.model import Model
from support.model.recording import Recorder
from support.model.wire import ApiError, message_of, new_id

_API = "https://api.anthropic.com"
_ANSWER_SECONDS = 600.0
# Belong to one connection, or to the address or key of this one (RFC 9110, section 7.6.1).
_NOT_PASSED_ON = frozenset(
    {
        "host",
        "content-length",
        "connection",
        "transfer-encoding",
        "accept-encoding",
        "x-api-key",
        "authorization",
    }
)


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """Where the real model is, and the header that opens it."""

    url: str
    header: tuple[str, str]


def upstream_of(environ: Mapping[str, str]) -> Upstream:
    """The real model that the caller's environment names, as the SDK's documentation has it."""
    token = environ.get("ANTHROPIC_AUTH_TOKEN")
    key = environ.get("ANTHROPIC_API_KEY", "")
    return Upstream(
        url=(environ.get("ANTHROPIC_BASE_URL") or _API).rstrip("/"),
        header=("x-api-key", key) if key or not token else ("authorization", f"Bearer {token}"),
    )


class LiveModel(Model):
    """A server for one scenario. `meter` is the run's; `recorder` keeps the answers, where that is wanted."""

    def __init__(
        self,
        *,
        upstream: Upstream,
        meter: Meter,
        recorder: Recorder | None,
        evidence: Path,
        redactor: Redactor | None = None,
    ) -> None:
        super().__init__(evidence=evidence, redactor=redactor)
        self._upstream = upstream
        self._meter = meter
        self._recorder = recorder
        self._evidence = evidence
        self._client = httpx.AsyncClient(timeout=_ANSWER_SECONDS, trust_env=True)
        self._histories = Histories()
        self._used: dict[str, Usage] = {}
        self._exhausted: str | None = None

    @property
    def substitutes(self) -> tuple[str, ...]:
        return ()

    @property
    def exhausted(self) -> str | None:
        return self._exhausted

    def cost(self) -> dict[str, float]:
        """Tokens and US$ of this scenario."""
        total = sum(self._used.values(), Usage())
        return {
            "model_tokens_in": total.input_tokens,
            "model_tokens_out": total.output_tokens,
            "model_us_dollars": round(total.us_dollars, 6),
        }

    async def close(self) -> None:
        await super().close()
        await self._client.aclose()
        used = {name: vars(usage) for name, usage in self._used.items()}
        path = self._evidence.with_name("model-cost.json")
        path.write_text(json.dumps(used, indent=2) + "\n", encoding="utf-8")

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        at = time.monotonic_ns()
        request = Request(scope, receive)
        try:
            raw = await request.body()
        except ClientDisconnect:
            return
        body = _json(raw)
        model = str(body.get("model", "")) if isinstance(body, dict) else ""
        refusal = self._meter.refusal(model)
        if refusal is not None:
            self._exhausted = refusal
            said = ApiError(400, "invalid_request_error", refusal).body(new_id("req"))
            self._count(at, request, body, 400, said)
            await JSONResponse(said, 400)(scope, receive, send)
            return
        passed = self._client.build_request(
            request.method,
            self._upstream.url + request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            content=raw,
            headers={**_passed_on(request.headers), **dict([self._upstream.header])},
        )
        try:
            answer = await self._client.send(passed, stream=True)
        except httpx.HTTPError as error:
            said = ApiError(502, "api_error", f"{self._upstream.url}: {error!r}").body(new_id("req"))
            self._count(at, request, body, 502, said)
            await JSONResponse(said, 502)(scope, receive, send)
            return

        async def pass_on() -> AsyncIterator[bytes]:
            pieces = []
            try:
                async for piece in answer.aiter_bytes():
                    pieces.append(piece)
                    if answer.headers.get("content-type", "").startswith("text/event-stream"):
                        yield piece
            finally:
                await answer.aclose()
            whole = b"".join(pieces)
            self._count(at, request, body, answer.status_code, message_of(whole))
            if not answer.headers.get("content-type", "").startswith("text/event-stream"):
                yield whole

        headers = _passed_on({**answer.headers, "content-encoding": ""})
        headers.pop("content-encoding")
        await StreamingResponse(pass_on(), answer.status_code, headers)(scope, receive, send)

    def _count(self, at: int, request: Request, body: Any, status: int, said: Mapping[str, Any]) -> None:
        conversation = self._conversation(body, status, said)
        if status == 200 and conversation is not None:
            used = self._meter.count(str(body["model"]), said.get("usage") or {})
            self._used[conversation] = self._used.get(conversation, Usage()) + used
        # Of a plain answer the line is written before the operator has it, and so before it acts on it.
        self._record(request, body, said, at=at, status=status, conversation=conversation)
        if self._recorder is not None and self._exhausted is None:
            self._recorder.add(body, status, said)

    def _conversation(self, body: Any, status: int, said: Mapping[str, Any]) -> str | None:
        try:
            history = self._histories.of(body)
            if status == 200:
                self._histories.add(history, said)
        except (ApiError, AttributeError, KeyError, TypeError):
            return None
        return history.conversation


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode(errors="replace")


def _passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _NOT_PASSED_ON}
