"""Bessel functions of jets: those of `wavenet.bessel`."""

from ..bessel import inner, outer, outgoing

__all__ = ["inner", "outer", "outgoing"]
