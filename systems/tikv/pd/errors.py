"""PD's own words for what goes wrong (pkg/errs in tikv/pd)."""

from systems.tikv.http_server import Response
from systems.tikv.pd.formats import indented, plain_error

NO_LEADER = plain_error("[PD:apiutil:ErrRedirectNoLeader]redirect finds no leader", 503)
REDIRECT_FAILED = plain_error("[PD:apiutil:ErrRedirect]redirect failed", 500)
NOT_LEADER = plain_error("[PD:apiutil:ErrRedirectToNotLeader]redirect to not leader", 500)
NOT_FOUND = plain_error("404 page not found", 404)
NOT_ALLOWED = Response(405)


class PdError(Exception):
    """Something PD refuses, as it says so."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status

    def response(self) -> Response:
        """Return the error as PD sends it: a JSON string."""
        return indented(str(self), self.status)


def not_bootstrapped() -> PdError:
    """No store has registered yet."""
    text = "[PD:cluster:ErrNotBootstrapped]TiKV cluster not bootstrapped, please start TiKV first"
    return PdError(text, 500)


def store_not_found(store_id: int) -> PdError:
    """There is no such store."""
    return PdError(f"[PD:core:ErrStoreNotFound]store {store_id} not found", 404)


def stores_not_enough(store_id: int, left: int, needed: int) -> PdError:
    """Without this store there would be fewer than there are replicas."""
    return PdError(
        f"[PD:core:ErrStoresNotEnough]can not remove store {store_id} "
        f"since the number of up stores would be {left} while need {needed}",
        400,
    )


def store_destroyed(store_id: int) -> PdError:
    """The store was declared lost for good."""
    return PdError(f"[PD:core:ErrStoreDestroyed]store {store_id} has been physically destroyed", 400)
