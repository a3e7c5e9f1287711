"""Inputs of every kind at the door: converted to double precision, or refused by name."""

from fractions import Fraction

import numpy as np
import pytest

from analytic import (
    DuctMode,
    Jet,
    ModeMixture,
    MultiMode,
    PhysicalDuct,
    axial_wavenumber,
    cut_on_helmholtz,
    cut_on_orders,
    near_fields,
    plus_factor,
    radial_eigenvalues,
    solve,
    sweep,
    third_octave_levels,
)
from analytic.checks import check_flag, check_order_arrays, complex_array, finite_array, real_array, real_number

KINDS = [np.float16, np.float32, np.float64, np.longdouble]


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_of_every_precision_are_doubles_inside(kind):
    ka, mach, hub, theta, x, r = (kind(one) for one in (5.1, 0.3, 0.4, 1.1, -0.3, 0.7))
    same = [float(one) for one in (ka, mach, hub, theta, x, r)]
    mode, expected = DuctMode(2, 1, ka, mach, hub), DuctMode(2, 1, *same[:3])
    assert mode == expected
    assert [type(getattr(mode, name)) for name in ("m", "n", "helmholtz", "mach", "hub")] == [
        int,
        int,
        float,
        float,
        float,
    ]
    np.testing.assert_array_equal(solve(mode).directivity(theta), solve(expected).directivity(same[3]))
    np.testing.assert_array_equal(solve(mode).at(x, r).potential, solve(expected).at(*same[4:]).potential)
    swept = sweep(np.int8(2), kind(1), ka, [theta], mach=mach, hub=hub)
    np.testing.assert_array_equal(
        swept.directivity, sweep(2, 1, same[0], same[3:4], mach=same[1], hub=same[2]).directivity
    )
    mixture = ModeMixture(kind(1), np.array([kind(0.1), 2.0], kind), ka, mach)
    assert mixture.amplitudes.dtype == complex
    assert mixture.amplitudes[0] == float(kind(0.1))
    jet = Jet(*(kind(one) for one in (0.1, 0.9, 1.1, 0.7)))
    assert [type(one) for one in vars(jet).values()] == [float] * 4 + [bool]
    assert jet.sound_speed_ratio == float(kind(0.9))
    assert cut_on_helmholtz(2, 0, mach) == cut_on_helmholtz(2, 0, same[1])
    assert axial_wavenumber(ka, 2, 0, mach=mach) == axial_wavenumber(same[0], 2, 0, mach=same[1])
    assert cut_on_orders(ka, 0, mach) == cut_on_orders(same[0], 0, same[1])
    assert plus_factor(1, ka, theta)[0][0] == plus_factor(1, same[0], same[3])[0][0]
    assert MultiMode([DuctMode(0, 0, 1.0)], [kind(0.1)]).powers[0] == float(kind(0.1))
    assert MultiMode.equal_energy_density(ka, mach).parts[0].helmholtz == same[0]


def test_single_precision_does_not_reach_the_numerics():
    # The eigenvalue, the branch points and the nodes of the path were rounded to single precision otherwise.
    theta, x = np.linspace(0.1, 3.0, 7, dtype=np.float32), np.array([-0.5, 0.5], np.float32)
    rough = near_fields([DuctMode(3, 0, np.float32(7.0), np.float32(0.25))], x, np.float32([0.5, 1.5]))[0]
    fine = near_fields([DuctMode(3, 0, 7.0, 0.25)], [-0.5, 0.5], [0.5, 1.5])[0]
    np.testing.assert_array_equal(rough.potential, fine.potential)
    expected = sweep(3, 0, 7.0, theta.astype(float), mach=0.25).directivity
    np.testing.assert_array_equal(sweep(3, 0, np.float32(7.0), theta, mach=np.float32(0.25)).directivity, expected)


def test_orders_without_a_fraction_are_integers():
    for one in (1, 1.0, np.int8(1), np.float16(1), np.array(1.0), Fraction(1)):
        mode = DuctMode(one, one, 9.0)
        assert (mode.m, mode.n, type(mode.m), type(mode.n)) == (1, 1, int, int)
        assert ModeMixture(one, [1.0], 9.0).m == 1
        assert [part.tolist() for part in check_order_arrays(np.array([one], float), np.array(one, float))] == [[1], 1]
        assert radial_eigenvalues(one, one)[0] == radial_eigenvalues(1, 1)[0]


@pytest.mark.parametrize("bad", [1.5, np.nan, np.inf, True, "1", None, 1j, [[1]], np.ma.masked, 2.0**60])
def test_other_orders_are_refused_by_name(bad):
    for call in (
        lambda: DuctMode(bad, 0, 1.0),
        lambda: DuctMode(0, bad, 1.0),
        lambda: ModeMixture(bad, [1.0], 1.0),
        lambda: sweep(bad, 0, 1.0, [1.0]),
        lambda: sweep(0, bad, 1.0, [1.0]),
        lambda: radial_eigenvalues(bad, 1),
        lambda: radial_eigenvalues(0, bad),
        lambda: plus_factor(bad, 1.0, [1.0]),
    ):
        with pytest.raises(ValueError, match=r"must|single"):
            call()


SINGLE = [
    True,
    "1",
    b"1",
    None,
    1j,
    0.5 + 0j,
    [0.5],
    np.array([0.5]),
    np.nan,
    np.ma.masked,
    pytest.param(object(), id="object"),
    np.bool_(1),
]


@pytest.mark.parametrize("bad", SINGLE, ids=repr)
def test_what_is_no_real_number_is_refused_by_name(bad):
    mode, solution = DuctMode(0, 0, 1.0, 0.2), solve(DuctMode(0, 0, 1.0))
    for name, call in (
        ("helmholtz", lambda: DuctMode(0, 0, bad)),
        ("mach", lambda: DuctMode(0, 0, 1.0, bad)),
        ("hub", lambda: DuctMode(0, 0, 1.0, hub=bad)),
        ("mach", lambda: ModeMixture(0, [1.0], 1.0, bad)),
        ("helmholtz", lambda: MultiMode.equal_power(bad)),
        ("tolerance", lambda: sweep(0, 0, 1.0, [1.0], tolerance=bad)),
        ("tolerance", lambda: near_fields([mode], [0.5], [0.5], tolerance=bad)),
        ("tolerance", lambda: solve(mode, tolerance=bad)),
        ("mach_outer", lambda: Jet(mach_outer=bad)),
        ("sound_speed_ratio", lambda: Jet(sound_speed_ratio=bad)),
        ("density_ratio", lambda: Jet(density_ratio=bad)),
        ("[kK]utta", lambda: Jet(kutta=bad)),
        ("helmholtz", lambda: cut_on_orders(bad, 0)),
        ("mach", lambda: cut_on_helmholtz(0, 1, bad)),
        ("mach", lambda: axial_wavenumber(1.0, 0, 0, mach=bad)),
    ):
        with pytest.raises(ValueError, match=name):
            call()
    if not isinstance(bad, list | np.ndarray):
        for name, call in (
            ("theta", lambda: solution.directivity([bad, 1.0])),
            ("theta", lambda: sweep(0, 0, 1.0, bad)),
            ("helmholtz", lambda: sweep(0, 0, [bad], [1.0])),
            ("mach", lambda: sweep(0, 0, 1.0, [1.0], mach=[bad])),
            ("hub", lambda: sweep(0, 0, 1.0, [1.0], hub=[bad])),
            ("density_ratio", lambda: sweep(0, 0, 1.0, [1.0], mach=0.3, density_ratio=[bad])),
            ("x", lambda: solution.at(bad, 0.5)),
            ("r", lambda: solution.field([0.5], bad)),
            ("powers", lambda: MultiMode([mode], [bad])),
            ("helmholtz", lambda: axial_wavenumber(bad, 0, 0)),
        ):
            with pytest.raises(ValueError, match=name):
                call()


@pytest.mark.parametrize("tolerance", [-1, 0, np.nan, np.inf, "1e-6", None, True])
def test_a_tolerance_is_positive_and_finite_everywhere(tolerance):
    mode = DuctMode(0, 0, 1.0)
    for call in (
        lambda: solve(mode, tolerance=tolerance),
        lambda: sweep(0, 0, 1.0, [1.0], tolerance=tolerance),
        lambda: near_fields([mode], [0.5], [0.5], tolerance=tolerance),
        lambda: solve(MultiMode.equal_power(1.0), tolerance=tolerance),
    ):
        with pytest.raises(ValueError, match="tolerance"):
            call()


def test_arrays_are_taken_whole_or_not_at_all():
    assert real_array(np.ma.array([1.0, 2.0]), "x").tolist() == [1.0, 2.0]  # nothing masked
    for bad in (np.ma.array([1.0, 2.0], mask=[0, 1]), [[1.0], [1.0, 2.0]], [None], np.array(["1"]), [1j]):
        with pytest.raises(ValueError, match="x must"):
            real_array(bad, "x")
    with pytest.raises(ValueError, match="amplitudes must"):
        ModeMixture(0, ["1"], 1.0)
    for bad in ([], [np.inf], [np.nan]):
        with pytest.raises(ValueError, match="x must be finite, and there must be at least one"):
            finite_array(bad, "x")
    assert real_number(np.array(2, np.int8), "x") == 2.0
    with pytest.raises(ValueError, match=r"x is too large, got 1000.*\.\.\.$"):
        real_number(10**400, "x")
    with pytest.raises(ValueError, match=r"helmholtz=1e\+4000"):
        DuctMode(0, 0, np.longdouble("1e4000"))
    given = np.array([1.0 + 0j])
    assert not np.shares_memory(complex_array(given, "a"), given)
    assert check_flag(np.bool_(False), "flag") is False
    with pytest.raises(ValueError, match="instability must be True or False, got 1"):
        Jet(instability=1)


def test_arrays_of_different_shapes_are_refused_by_name_and_shape():
    solution = solve(DuctMode(0, 0, 1.0))
    for call, shapes in (
        (lambda: solution.at([0.1, 0.2, 0.3], [0.5, 1.5]), r"x \(3,\), r \(2,\)$"),
        (lambda: solution.at(np.zeros((1, 2)), [0.5, 0.6, 1.5]), r"x \(1, 2\), r \(3,\)$"),
        (lambda: sweep([0, 0], [0, 0, 0], 1.0, [1.0]), r"m \(2,\), n \(3,\)$"),
        (lambda: sweep(0, 0, [1.0, 2.0], [1.0], mach=0.3, kutta=[0, 0.5, 1]), r"helmholtz \(2,\), kutta \(3,\)$"),
        # An empty column would leave no case of a single one.
        (lambda: sweep([0], 0, 1.0, [1.0], mach=[]), r"m \(1,\), mach \(0,\)$"),
        (lambda: plus_factor(0, [[1.0, 2.0]], [1.0]), r"helmholtz and theta .* \(1, 2\) and \(1,\)$"),
        (lambda: plus_factor(0, [1.0], [[1.0]]), r"helmholtz and theta .* \(1,\) and \(1, 1\)$"),
        (lambda: plus_factor(0, [], [1.0]), r"helmholtz and theta .* \(0,\) and \(1,\)$"),
        (lambda: plus_factor(0, 1e-30, [1.0]), r"must lie in \[1e-20, 10000\]"),
    ):
        with pytest.raises(ValueError, match=shapes):
            call()
    assert solution.at([0.1, 0.2], 1.5).potential.shape == (2,)
    assert sweep([], 0, 1.0, [1.0], mach=np.array([])).directivity.shape == (0, 1)  # no case at all


def test_what_is_no_list_of_sources_or_bands_is_refused():
    duct = PhysicalDuct(0.4, 340.0, 1.2)
    with pytest.raises(TypeError, match="expected DuctModes or ModeMixtures, got NoneType"):
        near_fields(None, [0.5], [0.5])
    with pytest.raises(ValueError, match="parts must be DuctModes and ModeMixtures"):
        MultiMode(None, [1.0])
    for bad in (None, [1000.0]):
        with pytest.raises(TypeError, match="bands must be from third_octave_bands"):
            third_octave_levels(MultiMode.equal_power, duct, bad, [1.0])
    with pytest.raises(ValueError, match=r"one-dimensional, got shape \(1, 1\)"):
        third_octave_levels(MultiMode.equal_power, duct, [], [[1.0]])
    assert third_octave_levels(MultiMode.equal_power, duct, [], [1.0, 2.0]).level.shape == (0, 2)


def test_a_physical_duct_has_doubles_inside():
    duct = PhysicalDuct(np.float16(0.4), np.float32(340.1), Fraction(6, 5), np.float32(0.3), hub_radius=np.float32(0.1))
    assert [type(value) for value in vars(duct).values()] == [float] * 5
    assert duct == PhysicalDuct(
        float(np.float16(0.4)), float(np.float32(340.1)), 1.2, float(np.float32(0.3)), duct.hub_radius
    )
    assert duct.mode(0, 0, np.float32(100.1)) == duct.mode(0, 0, float(np.float32(100.1)))
    for name in ("radius", "sound_speed", "density", "mach", "hub_radius"):
        for bad in (True, "1", None, 1j, np.nan):
            with pytest.raises(ValueError, match=name.split("_radius")[0]):
                PhysicalDuct(**{"radius": 0.4, "sound_speed": 340.0, "density": 1.2, name: bad})
    for bad in (True, "1", None, 0.0):
        with pytest.raises(ValueError, match="frequency must be"):
            duct.mode(0, 0, bad)


def test_wavenumbers_neither_over_nor_underflow():
    # The square of ka did.
    for ka in (1e-300, 1e-200, 1e200, 1e300):
        assert axial_wavenumber(ka, 0, 0, mach=0.5) == pytest.approx(ka / 1.5, rel=1e-15, abs=0)
