"""The images of a compose project: built on the spot or pulled, and what of them are stand-ins."""

import json
from collections.abc import Sequence
from typing import Any

from support.stacks.docker import Engine
from support.verdict import BrokenBed

STAND_IN = "operator-acceptance.stand-in"
"""The label of an image that is not the real thing; its value is what the verdict calls it."""

_GOT_WITHIN = 900.0

_refused: dict[tuple[str, str], str] = {}
"""By engine and image, why it could not be had: nobody waits twice for the same registry."""


async def get_images(engine: Engine, services: Sequence[str]) -> tuple[str, ...]:
    """See that the engine has the images of these services, and return what stands in for the real thing.

    What can be built is built, and the rest is pulled. Raises BrokenBed when an image cannot be had.
    """
    config = await engine.call(
        "read the compose files", lambda docker: docker.compose.config(return_json=True), within=30
    )
    stand_ins: dict[str, None] = {}
    for name in services:
        image = str(config["services"][name]["image"])
        if (engine.host, image) in _refused:
            raise BrokenBed(_refused[engine.host, image])
        labels = await _labels(engine, image)
        if labels is None:
            await _get(engine, name, image, can_be_built="build" in config["services"][name])
            labels = await _labels(engine, image) or {}
        if STAND_IN in labels:
            stand_ins[labels[STAND_IN]] = None
    return tuple(stand_ins)


async def _labels(engine: Engine, image: str) -> dict[str, str] | None:
    """The labels of an image; None when the engine does not have it."""
    listed = await engine.call(
        "list its images", lambda docker: docker.image.list(filters=[("reference", image)]), within=30
    )
    if not listed:
        return None
    inspected: list[dict[str, Any]] = json.loads(engine.ask("image", "inspect", image))
    return inspected[0]["Config"].get("Labels") or {}


async def _get(engine: Engine, service: str, image: str, *, can_be_built: bool) -> None:
    try:
        if can_be_built:
            await engine.call(
                f"build image {image}",
                lambda docker: docker.compose.build([service], quiet=True),
                within=_GOT_WITHIN,
            )
        else:
            await engine.call(
                f"pull image {image}",
                lambda docker: docker.compose.pull([service], quiet=True),
                within=_GOT_WITHIN,
            )
    except BrokenBed as error:
        reason = _refused[engine.host, image] = (
            f"image {image} for node {service} is missing, and {error}\n"
            "try: docker pull or docker load it, or name another one by its variable (README, Docker)"
        )
        raise BrokenBed(reason) from error
