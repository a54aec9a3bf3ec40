"""Who is new here reads the map first, so it is complete and names nothing that is gone."""

import re
from pathlib import Path

import support


def test_the_map_names_every_module_and_every_room_and_no_other():
    top = Path(support.__file__).parent
    there = {path.name for path in top.glob("*.py")} - {"__init__.py"}
    there |= {f"{path.parent.name}/" for path in top.glob("*/__init__.py")}
    assert set(re.findall(r"\b[a-z_]+(?:\.py\b|/)", support.__doc__)) == there
