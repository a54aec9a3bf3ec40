"""A store's way to PD: whichever member leads, found through whichever member answers."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from systems.tikv.http_client import Answer, HttpClient, UnreachableError

View = dict[str, Any]


class NoPdError(Exception):
    """No member answers, or none of them leads; the text says what each said."""


class RefusedError(Exception):
    """PD's leader refuses; the text is its reason."""


class PdClient:
    """Asks the leader of PD. `within` seconds for one member to answer."""

    def __init__(self, http: HttpClient, endpoints: Iterable[str], *, within: float) -> None:
        self._http = http
        self._within = within
        self._members = [f"http://{endpoint}" for endpoint in endpoints]
        self._leader: str | None = None

    def learn(self, urls: Iterable[str]) -> None:
        """Remember more members to ask."""
        self._members += [url for url in urls if url not in self._members]

    async def ask(self, what: str, body: Mapping[str, object]) -> View:
        """Return the leader's answer; raises NoPdError or RefusedError."""
        untried = ([self._leader] if self._leader else []) + self._members
        problems = []
        tried = set[str]()
        while untried:
            url = untried.pop(0)
            if url in tried:
                continue
            tried.add(url)
            try:
                answer = await self._post(url, what, body)
                found = answer.json()
            except UnreachableError as error:
                problems.append(str(error))
                continue
            if answer.status == 200:
                self._leader = url
                return found
            if answer.status == 400:
                raise RefusedError(found["error"])
            problems.append(f"{url}: not the leader")
            untried = [*found.get("leader", []), *untried]  # type: ignore[misc]
        self._leader = None
        raise NoPdError("; ".join(problems))

    async def _post(self, url: str, what: str, body: Mapping[str, object]) -> Answer:
        return await self._http.ask(
            f"{url}/stand-in/{what}",
            method="POST",
            body=json.dumps(body).encode(),
            within=self._within,
        )
