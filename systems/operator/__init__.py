"""The built-in operator: a monitor that files tickets and an agent that works them.

It is run as a program (`python -m systems.operator monitor run …`, `… agent PATH`), never imported
by what tests it, so nothing is exported.
"""

__all__: list[str] = []
