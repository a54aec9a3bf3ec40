"""Deliberately bad operators, one small file each, used to prove that the suite would notice.

A module that ends in `_model` is a bad model: its `script` is given to the model double in place of the
competent one.
"""
