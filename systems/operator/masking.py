"""Keeps the operator's own credentials out of all that it prints, records and sends."""

import re
from collections.abc import Callable, Mapping

# Credentials the anthropic SDK reads from the environment (its README, "Authentication").
CREDENTIALS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")

_SHAPE = re.compile(r"sk-ant-[A-Za-z0-9_-]{6,}")
# A shorter value cannot be a credential, and masking it would garble ordinary words.
_SHORTEST = 8


def masker(environment: Mapping[str, str]) -> Callable[[str], str]:
    """A function that replaces every credential of `environment` by as many asterisks.

    Anything shaped like an Anthropic key is masked too, whoever it belongs to. The result can be
    written as UTF-8, whatever halves of surrogate pairs the JSON of a model or a node brought along.
    """
    values = [environment.get(name, "") for name in CREDENTIALS]
    secrets = sorted((v for v in values if len(v) >= _SHORTEST), key=len, reverse=True)
    pattern = re.compile("|".join([*map(re.escape, secrets), _SHAPE.pattern]))

    def mask(text: str) -> str:
        masked = pattern.sub(lambda found: "*" * len(found.group()), text)
        return masked.encode(errors="backslashreplace").decode()

    return mask
