"""Scenarios side by side: the run hands them out, and workers, each a process of its own, run them."""
