"""One task that waits for all descriptors of a supervisor: what processes print, and their ends."""

import select
from collections.abc import Callable

import anyio


class Poller:
    """Calls back whenever a descriptor can be read from, one after the other, while `run` runs.

    `failed` is told what a call raises; its descriptor is removed then, and all others go on.
    """

    def __init__(self, failed: Callable[[Exception], None]) -> None:
        self._failed = failed
        self._epoll = select.epoll()
        self._calls: dict[int, Callable[[], None]] = {}
        self._scope = anyio.CancelScope(shield=True)

    def add(self, fd: int, call: Callable[[], None]) -> None:
        """From now on `call`, as long as there is something to read; `remove` comes before `fd` is closed."""
        self._epoll.register(fd, select.EPOLLIN)
        self._calls[fd] = call

    def remove(self, fd: int) -> None:
        """Take no more notice of this descriptor; one that is not known is left alone."""
        if self._calls.pop(fd, None) is not None and not self._epoll.closed:
            self._epoll.unregister(fd)

    async def run(self) -> None:
        """Goes on until `close`, also when it is cancelled."""
        with self._epoll, self._scope:
            while True:
                await anyio.wait_readable(self._epoll)
                for fd, _ in self._epoll.poll(0):
                    self._call(fd)

    def _call(self, fd: int) -> None:
        call = self._calls.get(fd)
        if call is not None:  # the one before may have removed it
            try:
                call()
            except Exception as error:
                self.remove(fd)
                self._failed(error)

    def close(self) -> None:
        """Nobody is called any more."""
        self._scope.cancel()
