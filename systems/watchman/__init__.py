"""A second operator: a monitor and nothing else, written apart from the first one."""
