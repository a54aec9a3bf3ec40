"""The disk under a store: how large it is, and what the store uses of it."""

import os
from pathlib import Path


def disk_stats(data_dir: Path, capacity: int) -> dict[str, int]:
    """Return `capacity`, `available` and `used_size` in bytes, as TiKV reports them to PD.

    A `capacity` of 0 means the whole disk. Every file in the data directory counts as used.
    """
    disk = os.statvfs(data_dir)
    used = sum(_size(path) for path in data_dir.rglob("*"))
    size = disk.f_blocks * disk.f_frsize
    limit = min(size, capacity or size)
    free = disk.f_bavail * disk.f_frsize
    return {"capacity": limit, "available": max(0, min(free, limit - used)), "used_size": used}


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except FileNotFoundError:
        return 0
