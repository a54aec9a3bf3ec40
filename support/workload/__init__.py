"""Healthy traffic for every subject, one file each; it records what came back and judges nothing."""
