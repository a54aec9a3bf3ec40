"""Clusters that the suite starts, breaks and heals: one file per subject, one per kind of node."""
