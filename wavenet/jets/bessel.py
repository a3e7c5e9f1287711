"""Bessel functions of jets: those of `wavenet.ducts.bessel`."""

from ..ducts.bessel import inner, outer, outgoing

__all__ = ["inner", "outer", "outgoing"]
