"""A model that gives the answers that were recorded, and no others. It never goes out to the network."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Self

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from support.evidence.redaction import Redactor
from support.model.model import Model
from support.model.places import Places
from support.model.recording import Recorded, first_difference, read_recording
from support.model.wire import ApiError, events, new_id
from support.verdict import BrokenBed, NotVerified


class ReplayedModel(Model):
    """Serves the recording at `recording`; each of its answers once, in order, and again if asked again."""

    def __init__(
        self, recording: Path, *, places: Places, evidence: Path, redactor: Redactor | None = None
    ) -> None:
        super().__init__(evidence=evidence, redactor=redactor)
        self._path = recording
        self._places = places
        self._left: list[Recorded] = []
        self._given: list[Recorded] = []

    @property
    def substitutes(self) -> tuple[str, ...]:
        return ("replayed model",)

    async def __aenter__(self) -> Self:
        try:
            self._left = read_recording(self._path)
        except FileNotFoundError:
            raise NotVerified(
                f"there is no recording of this scenario at {self._path}; make one with -D model=record"
            ) from None
        except ValueError as error:
            raise BrokenBed(str(error)) from error
        return await super().__aenter__()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        at = time.monotonic_ns()
        request = Request(scope, receive)
        try:
            body = json.loads(await request.body())
        except ClientDisconnect:
            return
        except ValueError:
            body = None
        try:
            recorded = self._find(self._places.normal(body))
            status, said = recorded.status, self._places.shown(recorded.response)
        except ApiError as error:
            self._unanswered.append(error.message)
            status, said = error.status, error.body(new_id("req"))
        self._record(request, body, said, at=at, status=status, conversation="conversation-1")
        response: Response = JSONResponse(said, status)
        if status == 200 and body.get("stream") is True:
            response = StreamingResponse(_stream(said), 200, media_type="text/event-stream")
        await response(scope, receive, send)

    def _find(self, asked: Any) -> Recorded:
        for recorded in self._left:
            if recorded.request == asked:
                self._left.remove(recorded)
                self._given.append(recorded)
                return recorded
        for recorded in reversed(self._given):
            if recorded.request == asked:
                return recorded
        if not self._left:
            raise ApiError(
                400, "invalid_request_error", f"{self._path} has no more answers, and one more was asked for"
            )
        unlike = first_difference(asked, self._left[0].request)
        # Status 400, because no SDK sends such a request again.
        raise ApiError(
            400,
            "invalid_request_error",
            f"{self._path} has no answer to request {len(self._given) + 1}: it is unlike the one recorded in "
            f"{unlike}. Record it anew with -D model=record",
        )


async def _stream(whole: Mapping[str, Any]) -> AsyncIterator[bytes]:
    for event in events(whole):
        yield event
