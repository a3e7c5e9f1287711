"""The medium is one object: media from outside the package, the table, and one interface of all solutions."""

import importlib.util
import sys

import numpy as np
import pytest

from analytic import ConvergenceError, DuctMode, Jet, JetSolution, ModeMixture, MultiMode, Solution, UniformFlow, solve
from analytic.media import MEDIA
from analytic.near_field import QUANTITIES

ANGLES = np.radians([0.0, 15.0, 60.0, 90.0, 140.0, 180.0])
X, R = np.array([-0.8, -0.2, 0.3, 0.9]), np.array([0.2, 0.9, 1.2])

# A medium in one file: a stream without shear, in which the lip sheds a wake.
WAKE = '''
"""Uniform flow with the wake of the lip."""

import dataclasses

from analytic.media import Jet
from analytic.media.jet import JetTransform
from analytic.solution import Solution


@dataclasses.dataclass(frozen=True)
class Wake:
    kutta: float


class WakeTransform(JetTransform):
    solution = Solution

    def __init__(self, source, medium):
        super().__init__(source, Jet(mach_outer=source.mach, kutta=medium.kutta))
        self.medium = medium
'''


@pytest.fixture
def wake(tmp_path, monkeypatch):
    """The class of a medium that is defined in a file of its own and entered in the table."""
    (tmp_path / "wake.py").write_text(WAKE)
    spec = importlib.util.spec_from_file_location("wake", tmp_path / "wake.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "wake", module)
    spec.loader.exec_module(module)
    monkeypatch.setitem(MEDIA, module.Wake, module.WakeTransform)
    return module.Wake


def compare(solution, other, rtol, orders):
    """Everything that solutions have, at a relative tolerance; fields at that of their error estimates."""
    for name in ("reflection", "reflection_pressure"):
        np.testing.assert_allclose(getattr(solution, name)[:orders], getattr(other, name)[:orders], rtol=rtol)
    matrices = (one.reflection_matrix[:orders, :orders] for one in (solution, other))
    np.testing.assert_allclose(*matrices, rtol=rtol)
    far, expected = solution.directivity(ANGLES), other.directivity(ANGLES)
    np.testing.assert_allclose(far, expected, rtol=0, atol=rtol * np.max(np.abs(expected)))
    for name in ("incident", "reflected", "evanescent", "radiated"):
        scale = solution.power.incident
        assert abs(getattr(solution.power, name) - getattr(other.power, name)) <= 1e-8 * scale
    amplitudes = np.array([[1.0, 0.5], [0.3, 1j]])
    pairs = [(solution.field(X, R), other.field(X, R)), (solution.at(X, 0.9), other.at(X, 0.9))]
    pairs += zip(solution.fields(amplitudes, X, R), other.fields(amplitudes, X, R), strict=True)
    for field, reference in pairs:
        allowed = field.error_estimate + reference.error_estimate
        for name in QUANTITIES:
            expected = getattr(reference, name)
            assert np.linalg.norm(getattr(field, name) - expected) <= allowed * np.linalg.norm(expected)


@pytest.mark.parametrize("source", [DuctMode(2, 0, 7.0, 0.3), DuctMode(0, 1, 6.0, 0.5, 0.15)], ids=str)
def test_a_new_medium_is_one_file_and_an_entry(wake, source):
    """Without shedding it is the uniform flow, which shares no formula with it."""
    solution = solve(source, medium=wake(0.0))
    assert type(solution) is Solution
    assert solution.medium == wake(0.0)
    compare(solution, solve(source), 1e-10, len(solve(source).reflection))
    full = solve(source, medium=wake(1.0))
    np.testing.assert_array_equal(full.reflection, solve(source, jet=Jet(mach_outer=source.mach)).reflection)
    many, plain = (solve(MultiMode([source], [2.0]), medium=one) for one in (wake(0.0), UniformFlow()))
    np.testing.assert_allclose(many.mean_square(ANGLES), plain.mean_square(ANGLES), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(many.level(1.0), plain.level(1.0), atol=1e-8)


def test_an_error_names_the_medium(wake):
    with pytest.raises(ConvergenceError, match=r"DuctMode\(.*\) with Wake\(kutta=0\.5\)"):
        solve(DuctMode(0, 0, 1.0, 0.3), medium=wake(0.5), tolerance=1e-16)
    with pytest.raises(ConvergenceError, match=r"hub=0\.0\)$"):  # the default has no parameters
        solve(DuctMode(0, 0, 1.0, 0.3), tolerance=1e-17)


@pytest.mark.parametrize("jet", [None, Jet(0.1, 0.9)], ids=["uniform", "jet"])
def test_one_interface(jet):
    """Columns of the matrix are solutions for single modes, and fields of amplitudes those of mixtures."""
    solution = solve(DuctMode(1, 0, 6.0, 0.3), jet=jet, tolerance=1e-7)
    matrix, duct = solution.reflection_matrix, (6.0, 0.3)
    for n in range(len(matrix)):
        own = solve(DuctMode(1, n, *duct), jet=jet).reflection
        np.testing.assert_allclose(matrix[:, n], own[: len(matrix)], rtol=1e-10)
    rows = np.array([[1.0, 0.5j], [0.2, -1.0]])
    for row, field in zip(rows, solution.fields(rows, X, R), strict=True):
        own = solve(ModeMixture(1, row, *duct), jet=jet).field(X, R)
        for name in QUANTITIES:
            expected = getattr(own, name)
            limit = (field.error_estimate + own.error_estimate) * np.linalg.norm(expected)
            assert np.linalg.norm(getattr(field, name) - expected) <= limit
    twice = solution.incident(ModeMixture(1, [2.0], *duct))
    np.testing.assert_allclose(twice.reflection, 2 * solution.reflection, rtol=1e-13)
    assert twice.power.radiated == pytest.approx(4 * solution.power.radiated, rel=1e-8)


def test_a_medium_that_is_not_in_the_table_is_named():
    for source in (DuctMode(0, 0, 1.0), MultiMode([DuctMode(0, 0, 1.0)], [1.0])):
        with pytest.raises(TypeError, match="Jet, UniformFlow, got float"):
            solve(source, medium=0.3)
    with pytest.raises(TypeError, match="not both"):
        solve(DuctMode(0, 0, 1.0, 0.3), medium=UniformFlow(), jet=Jet())
    with pytest.raises(TypeError, match="expected a Jet, got UniformFlow"):
        solve(DuctMode(0, 0, 1.0, 0.3), jet=UniformFlow())


def test_jet_is_short_for_medium():
    mode = DuctMode(1, 0, 4.0, 0.3)
    short, medium = solve(mode, jet=Jet(kutta=0.5)), solve(mode, medium=Jet(kutta=0.5))
    assert isinstance(medium, JetSolution)
    assert medium.jet == medium.medium == Jet(kutta=0.5)
    np.testing.assert_array_equal(short.reflection, medium.reflection)
    plain = solve(mode)
    assert type(plain) is Solution
    assert plain.medium == UniformFlow()
    np.testing.assert_array_equal(plain.reflection, solve(mode, medium=UniformFlow()).reflection)
