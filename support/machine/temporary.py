"""Where the private directories of runs are: whether they can be made, written to, executed from, and have
short enough paths for the sockets in them."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from support.machine.finding import Finding
from support.machine.writing import cannot_write

_SOCKET_LIMIT = 107
_LONGEST_BELOW = len("/0123abcd/s999/stackctl.sock")

_SET = (
    "set TMPDIR to a directory on a local disk that is yours to write to and execute from, such as /var/tmp"
)


def home() -> Path:
    """Where the runs of this user have their directories: short, as sockets live below it and a socket's path
    may have 107 bytes (unix(7))."""
    return Path(tempfile.gettempdir()) / f"operator-acceptance-{os.getuid()}"


def temporary_directory(environ: Mapping[str, str]) -> Finding:
    """Look at what TMPDIR names or, without it, at the system's temporary directory."""
    seen = _problem(environ)
    if seen:
        return Finding(name="temporary directory", fits=False, seen=seen, next_step=_SET)
    return Finding(name="temporary directory", fits=True, seen=str(home()))


def _problem(environ: Mapping[str, str]) -> str:
    named = environ.get("TMPDIR")
    if named:
        if not Path(named).is_dir():
            return f"TMPDIR names {named}, which is not a directory"
        if problem := cannot_write(Path(named)):
            return f"TMPDIR: {problem}"
    try:
        chosen = Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        return error.strerror or str(error)
    if not named and chosen == Path.cwd():
        return "neither /tmp nor /var/tmp can be written to"
    if os.statvfs(chosen).f_flag & os.ST_NOEXEC:
        return f"{chosen} is mounted noexec, but stackctl is executed from there"
    if len(os.fsencode(home())) + _LONGEST_BELOW > _SOCKET_LIMIT:
        return f"{home()} is too long: the path of a socket may have {_SOCKET_LIMIT} bytes (unix(7))"
    return _not_ours(home()) or cannot_write(chosen)


def _not_ours(directory: Path) -> str:
    """The guardian uses a directory of this user alone and no other."""
    if not os.path.lexists(directory):
        return ""
    status = directory.lstat()
    if directory.is_symlink() or not directory.is_dir():
        return f"{directory} is not a directory"
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        return (
            f"{directory} is not a directory of user {os.getuid()} alone (mode 0700), but of user "
            f"{status.st_uid}, mode {status.st_mode & 0o777:04o}"
        )
    return ""
