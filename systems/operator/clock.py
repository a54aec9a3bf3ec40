"""Wall-clock times as the database keeps them: ISO 8601, UTC, microseconds."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


def written(moment: datetime) -> str:
    """`moment` as the database keeps it, always of the same length."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def read(text: str | None) -> datetime | None:
    """The moment that `text` tells, or None if it tells none. A time without a zone is UTC."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
