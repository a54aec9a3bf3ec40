"""What the on-call engineer does about a counter over its limit, and a key that is allowed with none."""

from collections.abc import Generator

from support.model.conversation import Turn
from support.model.counters import (
    Counter,
    cleared_in,
    client_of,
    counter_in,
    looking,
    looking_again,
    resetting,
    setting_limit,
)
from support.model.script import Reply, Story

_ATTEMPTS = 2


def over_limit(key: str) -> Story:
    """Reset the one counter, and see whether that holds."""
    client, counter = yield from look(key)
    if not counter.over:
        return Reply(
            f'RESOLVED: counter "{key}" is within its limit ({describe(counter)}); nothing was changed.\n'
            "The violation of the ticket had cleared by the time I looked."
        )
    return (yield from _reset(client, counter))


def ghost_allowing(key: str) -> Story:
    """Store the limit of 0 anew, with the window it had: that removes what was granted on top of it."""
    client, counter = yield from look(key, wrong="is allowed although its limit is 0")
    if not counter.ghost:
        return Reply(
            f'RESOLVED: key "{key}" is not allowed without a limit ({describe(counter)}); nothing was '
            "changed.\nThe violation of the ticket had cleared by the time I looked."
        )
    yield Reply(
        f'Key "{key}" has a limit of 0, and yet {counter.remaining} more requests would be allowed: '
        "something on top of the stored limit grants them. The limit itself is right. The least change "
        "that puts it right is to store the same limit with the same window again, which leaves no "
        "exception beside it.",
        [setting_limit(client, key, 0, window_ms=counter.window_ms)],
    )
    after = yield from look_at_again(client, key, said="I look again to see whether it took.")
    if after.ghost:
        return Reply(
            f'ESCALATED: key "{key}" is still allowed {after.remaining} requests with a limit of 0. I '
            "stored its limit of 0 again, and that did not remove what grants them."
        )
    return Reply(
        f'RESOLVED: key "{key}" was allowed {counter.remaining} requests with a limit of 0; its limit of '
        f"0 was stored again, which removed the exception.\nLooked at afterwards: {describe(after)}, no "
        "request is allowed."
    )


def look(key: str, *, wrong: str = "is over its limit") -> Generator[Reply, Turn, tuple[str, Counter]]:
    """Look at counters, limits and nodes; gives the HTTP client found and the counter.

    Raises `Unreadable` if that could not be seen.
    """
    seen = yield Reply(
        f'The ticket says that counter "{key}" {wrong}. Before I change anything I look at the '
        "counters, the limits and the nodes as the rate limiter itself reports them.",
        [looking()],
    )
    return client_of(seen.output), counter_in(seen.output, key)


def look_at_again(client: str, key: str, *, said: str) -> Generator[Reply, Turn, Counter]:
    """Look at the one counter once more. Raises `Unreadable` if it could not be seen."""
    seen = yield Reply(said, [looking_again(client)])
    return counter_in(seen.output, key)


def describe(counter: Counter) -> str:
    """The counter's state, for a sentence."""
    if counter.limit is None:
        return "it is not listed, so no request counts against it"
    return f"count {counter.count}, limit {counter.limit}"


def _reset(client: str, counter: Counter) -> Story:
    key, found = counter.key, counter
    for attempt in range(1, _ATTEMPTS + 1):
        again = "" if attempt == 1 else " It may have been filled again meanwhile, so I try once more."
        done = yield Reply(
            f'Counter "{key}" is at {counter.count} with a limit of {counter.limit}: '
            f"{counter.count - (counter.limit or 0)} more requests are counted in the window than it allows. "
            f"The count is what is wrong, not the limit.{again} The least change that puts it right is to "
            "reset this one counter; its limit and all other counters stay as they are.",
            [resetting(client, key)],
        )
        cleared = cleared_in(done.output)
        counter = yield from look_at_again(
            client, key, said=f"The reset cleared {cleared} requests. I look again to see whether it took."
        )
        if not counter.over:
            return Reply(
                f'RESOLVED: counter "{key}" was over its limit (count {found.count}, limit '
                f"{found.limit}) and was reset, {cleared} requests cleared.\nLooked at afterwards: "
                f"{describe(counter)}. The limit was not changed."
            )
    return Reply(
        f'ESCALATED: counter "{key}" is still over its limit ({describe(counter)}). I tried to reset it '
        f"{_ATTEMPTS} times; each time it was over its limit again when I looked. Something fills it past "
        "its limit, which resetting does not stop."
    )
