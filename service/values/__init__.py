"""Immutable values and pure functions, without I/O, Redis or HTTP."""
