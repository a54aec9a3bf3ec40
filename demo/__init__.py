"""The demo that people watch: a stack, a fault, an operator that repairs it, in five panels of a terminal.

It is started as `python -m demo SUBJECT` and imported by nothing.
"""
