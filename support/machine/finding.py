"""What was found when one thing that a run needs was looked for."""

from dataclasses import dataclass


class Unready(Exception):
    """This machine cannot run what was asked for; the message says what is missing and what to try."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked for: whether it will do, what was seen and, if it will not, the next step."""

    name: str
    fits: bool
    seen: str
    next_step: str = ""

    def require(self) -> None:
        """Raise Unready unless it will do."""
        if not self.fits:
            raise Unready(
                f"{self.name}: {self.seen}" + (f"\ntry: {self.next_step}" if self.next_step else "")
            )
