"""Deliberate breakages, one file per family; each carries its own heal."""
