"""Finite elements for ducts whose walls have a thickness and a lip; needs the extra `elements`, NGSolve."""

from .lips import Lip
from .solution import LipField, LipSolution, solve_lip

__all__ = ["Lip", "LipField", "LipSolution", "solve_lip"]
