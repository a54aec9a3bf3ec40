"""What a member does with requests that only the leader may answer (apiutil/serverapi, redirector)."""

from time import monotonic

from systems.tikv.consensus import Replication
from systems.tikv.http_client import HttpClient, UnreachableError
from systems.tikv.http_server import Handler, Request, Response
from systems.tikv.log import log
from systems.tikv.pd.errors import NO_LEADER, NOT_LEADER, REDIRECT_FAILED
from systems.tikv.pd.members import Member, Members

_FORCE_LOCAL = "pd-allow-follower-handle"
_REDIRECTED = "pd-redirector"
_OF_ONE_CONNECTION = {
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "te",
    "transfer-encoding",
    "upgrade",
}


class Redirector:
    """Passes requests to the leader; `wait` is how many seconds it waits for one."""

    def __init__(self, members: Members, replication: Replication, http: HttpClient, *, wait: float) -> None:
        self._members = members
        self._replication = replication
        self._http = http
        self._wait = wait

    async def handle(self, request: Request, local: Handler) -> Response:
        """Return what `local` answers when this member leads or the request forbids passing it on."""
        if self._members.leads() or request.headers.get(_FORCE_LOCAL):
            return await local(request)
        if came_from := request.headers.get(_REDIRECTED):
            log(
                "ERROR",
                "middleware.go:203",
                "redirect but server is not leader",
                **{"from": came_from, "server": self._members.name},
            )
            return NOT_LEADER
        leader = await self._leader()
        if not leader:
            return NO_LEADER
        if leader["member_id"] == self._members.myself["member_id"]:
            return await local(request)
        return await self._proxy(request, leader)

    async def _leader(self) -> Member | None:
        deadline = monotonic() + self._wait
        while not (leader := self._members.leader()) and (left := deadline - monotonic()) > 0:
            # Leadership can also be gained and lost by the mere passing of time.
            await self._replication.changed(within=min(left, self._wait / 10))
        return leader

    async def _proxy(self, request: Request, leader: Member) -> Response:
        headers = {name: value for name, value in request.headers.items() if name not in _OF_ONE_CONNECTION}
        headers[_REDIRECTED] = self._members.name
        for url in leader["client_urls"]:
            try:
                # PD sets no time limit either: it is the caller's, whose leaving ends this.
                answer = await self._http.ask(
                    url + request.target,
                    method=request.method,
                    body=request.body,
                    headers=headers,
                    within=None,
                    keep=False,
                )
            except UnreachableError as error:
                log("ERROR", "apiutil.go:411", "request failed", error=error)
                continue
            kept = {name: value for name, value in answer.headers if name not in _OF_ONE_CONNECTION}
            return Response(answer.status, answer.body, headers=kept)
        return REDIRECT_FAILED
