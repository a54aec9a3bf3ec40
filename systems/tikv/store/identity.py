"""Who a store is: what PD called it at its first start, kept in its data directory."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from systems.tikv.store.pd_client import PdClient


@dataclass(frozen=True)
class Identity:
    """A store's id and the cluster it belongs to."""

    store_id: int
    cluster_id: int


async def identify(data_dir: Path, pd: PdClient) -> Identity:
    """Return who the store of `data_dir` is, asking PD for an id when it has none.

    The id is on disk before PD learns of the store. Raises NoPdError.
    """
    path = data_dir / "identity.json"
    try:
        return Identity(**json.loads(path.read_text()))
    except FileNotFoundError:
        answer = await pd.ask("id", {})
    identity = Identity(answer["id"], answer["cluster_id"])
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(asdict(identity)))
    beside.replace(path)
    return identity
