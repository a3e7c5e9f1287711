"""Wiener–Hopf solutions for the sound that leaves an open, hard-walled circular or annular duct.

Conventions, stated once and tested: time factor exp(-i omega t); lengths in duct radii a; the duct's wall is r = 1, x
< 0 and its open end (the lip) x = 0; fields vary as exp(i m phi) around the axis. The Mach number is positive towards
the open end: exhaust > 0, intake < 0. Radial orders start at n = 0, and (0, 0) is the plane wave. Duct modes are
normalised to one at the wall r = 1; a hub of radius h leaves the annulus h < r < 1. The potential psi has axial
velocity u = dpsi/dx, radial velocity v = dpsi/dr and pressure p = i ka psi - M u (potentials in a c, velocities in c,
pressures in rho c^2; with a jet c and rho are the duct's). Directivities use the polar angle in the (X, r) plane, X =
x / sqrt(1 - M^2), zero downstream. Pressure directivities and levels use the physical angle, in the (x, r) plane.

>>> solution = solve(DuctMode(m=2, n=0, helmholtz=5.0))
>>> bool(abs(solution.power.residual) < 1e-10)
True
"""

from . import impedances
from .angles import physical_angle, stretched_angle
from .bands import Band, BandLevels, third_octave_bands, third_octave_levels
from .conj_time import ConjTime
from .errors import ConvergenceError, CutOffWarning
from .factorisation import plus_factor
from .lined.flow_solution import LinedFlowSolution
from .lined.gradient import ImpedanceDerivative, impedance_derivative
from .lined.hub import LinedHub, LinedHubSolution
from .lined.liner import Liner
from .lined.multimode import LinedMultiModeSolution
from .lined.quantities import LinedPower
from .lined.solution import LinedSolution
from .lined.sweep import LinedSweep, lined_sweep
from .many_near_fields import fields_at, near_fields
from .media import Jet, JetSolution, UniformFlow
from .modes import axial_wavenumber, cut_on_helmholtz, cut_on_orders, radial_eigenvalue, radial_eigenvalues
from .multimode import MultiMode, MultiModeSolution
from .near_field import Field
from .physical import PhysicalDuct, PhysicalMode, sound_speed_of_air
from .power import Power
from .solution import Solution
from .solver import solve
from .source import DuctMode, ModeMixture
from .sweeps import Sweep, sweep

__all__ = [
    "Band",
    "BandLevels",
    "ConjTime",
    "ConvergenceError",
    "CutOffWarning",
    "DuctMode",
    "Field",
    "ImpedanceDerivative",
    "Jet",
    "JetSolution",
    "LinedFlowSolution",
    "LinedHub",
    "LinedHubSolution",
    "LinedMultiModeSolution",
    "LinedPower",
    "LinedSolution",
    "LinedSweep",
    "Liner",
    "ModeMixture",
    "MultiMode",
    "MultiModeSolution",
    "PhysicalDuct",
    "PhysicalMode",
    "Power",
    "Solution",
    "Sweep",
    "UniformFlow",
    "axial_wavenumber",
    "cut_on_helmholtz",
    "cut_on_orders",
    "fields_at",
    "impedance_derivative",
    "impedances",
    "lined_sweep",
    "near_fields",
    "physical_angle",
    "plus_factor",
    "radial_eigenvalue",
    "radial_eigenvalues",
    "solve",
    "sound_speed_of_air",
    "stretched_angle",
    "sweep",
    "third_octave_bands",
    "third_octave_levels",
]
