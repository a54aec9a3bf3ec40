"""Log lines as PD and TiKV write them: https://docs.pingcap.com/tidb/stable/unified-log-format"""

import json
import sys
from datetime import UTC, datetime

from systems.tikv.version import GIT_HASH, VERSION


def log(level: str, source: str, message: str, **fields: object) -> None:
    """Write one line to stdout, at once; `source` is the file and line that the real program names."""
    now = datetime.now(UTC)
    stamp = now.strftime("%Y/%m/%d %H:%M:%S.") + f"{now.microsecond // 1000:03d} +00:00"
    parts = [f"[{stamp}] [{level}] [{source}] [{json.dumps(message, ensure_ascii=False)}]"]
    for name, value in fields.items():
        text = str(value)
        if not text or any(character in text for character in ' "=[]\n'):
            text = json.dumps(text, ensure_ascii=False)
        parts.append(f"[{name.replace('_', '-')}={text}]")
    sys.stdout.write(" ".join(parts) + "\n")
    sys.stdout.flush()


def log_welcome(source: str, name: str, scale: float) -> None:
    """Write the lines a program begins with."""
    log("INFO", source, f"Welcome to {name}")
    log(
        "INFO",
        source,
        f"{name} (stand-in)",
        release_version=VERSION,
        git_hash=GIT_HASH,
        time_scale=f"{scale:g}",
    )
