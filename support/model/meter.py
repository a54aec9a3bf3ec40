"""What a real model costs: tokens from its own answers, US$ from its price, and the budget that ends it.

Prices are those of https://platform.claude.com/docs (models overview, November 2026), in US$ for a
million tokens.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MILLION = 1_000_000
_PRICES: Mapping[str, tuple[float, float]] = {
    "claude-fable-5": (10, 50),
    "claude-opus-5": (5, 25),
    "claude-opus-5-5": (4, 20),
    "claude-sonnet-5": (2, 10),
    "claude-haiku-4-5": (1, 5),
}
# Of the price of a token that is not cached; writing at the rate for five minutes.
_CACHE_READ, _CACHE_WRITE = 0.1, 1.25


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What answers have used: tokens, and US$."""

    input_tokens: int = 0
    output_tokens: int = 0
    us_dollars: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            us_dollars=self.us_dollars + other.us_dollars,
        )


class Meter:
    """Counts what a run spends. `budget` is US$; `price`, US$ a million in and out, wins over known ones."""

    def __init__(self, *, budget: float, price: tuple[float, float] | None) -> None:
        self.budget = budget
        self.spent = Usage()
        self._price = price

    def refusal(self, model: str) -> str | None:
        """Why this model may not be asked any more, with what to do about it; None when it may."""
        if self._price_of(model) is None:
            return f"no price is known for model {model}; name it with -D price=IN/OUT, US$ a million tokens"
        if self.spent.us_dollars >= self.budget:
            return (
                f"the budget of US$ {self.budget:g} for this run is spent "
                f"(US$ {self.spent.us_dollars:.2f}); raise it with -D budget=…"
            )
        return None

    def count(self, model: str, usage: Mapping[str, Any]) -> Usage:
        """Add what one answer has used, as the API reports it."""
        price_in, price_out = self._price_of(model) or (0.0, 0.0)
        fresh = int(usage.get("input_tokens") or 0)
        written = int(usage.get("cache_creation_input_tokens") or 0)
        read = int(usage.get("cache_read_input_tokens") or 0)
        out = int(usage.get("output_tokens") or 0)
        paid = (fresh + _CACHE_WRITE * written + _CACHE_READ * read) * price_in + out * price_out
        used = Usage(input_tokens=fresh + written + read, output_tokens=out, us_dollars=paid / _MILLION)
        self.spent += used
        return used

    def _price_of(self, model: str) -> tuple[float, float] | None:
        if self._price is not None:
            return self._price
        known = [name for name in _PRICES if model.startswith(name)]
        return _PRICES[max(known, key=len)] if known else None
