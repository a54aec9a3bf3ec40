"""A PD member: an elected leader that knows members, stores and regions, and says so over HTTP."""

from systems.tikv.pd.server import Pd

__all__ = ["Pd"]
