"""A network against the exact solution: known errors, known neighbours, known levels."""

import numpy as np
import pytest
import torch

from wavenet.derivatives.wave_stencils import WaveDerivatives
from wavenet.study import comparison, comparison_report, competitors, errors, interpolation
from wavenet.study.tasks import tensors

from .studies import PROVENANCE, Off, near_fields, pressures

TEST = 21  # cases with the relative errors 0, 1 %, ..., 20 %, in an order of their own
ERRORS = np.random.default_rng(1).permutation(TEST) / 100


@pytest.fixture(scope="module")
def data():
    modes = [(0, 0, 5.0, 0.0)] * 3 + [(2, 1, 5.0 + number, 0.3) for number in range(TEST)]
    return pressures(modes, 3)


@pytest.fixture(scope="module")
def compared(data):
    return compare(data)


def compare(data, run=None, test_errors=ERRORS):
    cases = data.cases("test")
    network = Off(data["pressure"][cases].astype("f4"), test_errors)
    return comparison.compare("net", network, run or {}, data, cases)


# errors


def test_statistics_are_those_of_known_errors(compared):
    found = compared.statistics()
    assert list(found) == ["median", "percentile_95", "largest"]
    for name, value in (("median", 0.10), ("percentile_95", 0.19), ("largest", 0.20)):
        assert found[name]["net"] == pytest.approx(value, rel=1e-5)  # single precision


def test_a_relative_error_is_of_one_case_all_else_together():
    exact = np.array([[[3.0, 4.0], [0.0, 0.0]], [[0.0, 1.0], [0.0, 0.0]]])
    off = np.array([[[0.0, 0.0], [0.3, 0.4]], [[0.0, 0.0], [0.0, 2.0]]])
    found = errors.relative_error(exact + off, exact)
    np.testing.assert_allclose(found, [0.1, 2.0], rtol=1e-14)


def test_levels_are_twenty_logarithms():
    assert errors.level(np.array([0.1j, -2.0, 0.0]), 2.0).tolist() == pytest.approx([20 * np.log10(0.05), 0, -80])
    assert errors.level(np.array([1e-7]), 1.0, -240.0) == pytest.approx(-140)


def test_level_errors_count_what_is_within_20_db_of_the_peak():
    exact = np.zeros((2, 4, 2))
    exact[0, :, 0], exact[1, :, 1] = (1.0, 0.11, 0.09, 0.5), (30.0, 3.1, 2.9, 10.0)  # each case has a peak of its own
    change = 10 ** (np.array([1.0, -2.0, 40.0, 3.0]) / 20)
    found = errors.level_errors(exact * change[:, None], exact)
    np.testing.assert_allclose(found, [1, 2, 3, 1, 2, 3], rtol=1e-12)


def test_the_median_and_the_worst_case_are_shown():
    of = {"u": np.array([5.0, 1.0, 2.0, 3.0, 0.5]), "v": np.array([0.1, 4.0, 0.1, 0.1, 0.1])}
    median, worst = errors.median_and_worst(of)
    assert (median.kind, median.index, median.error) == ("median", 3, 3.0)  # of 5, 4, 2, 3, 0.5
    assert (worst.kind, worst.index, worst.error) == ("worst", 0, 5.0)
    upper = errors.median_and_worst({"p": np.array([4.0, 1.0, 3.0, 2.0])})[0]
    assert (upper.index, upper.error) == (2, 3.0)


def test_a_comparison_shows_its_own_median_and_worst_case(compared, data):
    median, worst = compared.shown
    assert ERRORS[median.index] == pytest.approx(0.10)
    assert ERRORS[worst.index] == pytest.approx(0.20)
    assert compared.descriptions[worst.index] == f"mode (2, 1), ka = {5 + worst.index:.3f}, M = 0.30"
    text = comparison_report.page(compared, data, {})
    assert f"with the median error of p, 0.10: {compared.descriptions[median.index]}" in text
    assert f"with the worst error of p, 0.20: {compared.descriptions[worst.index]}" in text


# other methods


@pytest.mark.parametrize(
    ("other", "nearer"),
    [
        ((3, 0, 5.0, 0.2), (2, 0, 25.0, 0.2)),  # another m is further than any ka
        ((2, 1, 5.0, 0.2), (2, 0, 25.0, 0.2)),  # so is another n
        ((2, 0, 5.0, 0.5), (2, 0, 6.0, 0.2)),  # 0.3 in M is 1.5 in ka
        ((2, 0, 6.0, 0.2), (2, 0, 5.0, 0.3)),  # 0.1 in M is 0.5 in ka
        ((2, 0, 9.0, 0.2), (2, 0, 4.0, 0.2)),
    ],
)
def test_the_nearest_training_case_is_the_baseline(other, nearer):
    data = pressures([other, nearer, (2, 0, 5.0, 0.2)], 2)
    assert competitors.nearest_training_cases(data, data.cases("test")).tolist() == [1]
    found = compare(data, test_errors=[0.01]).errors["nearest training case"]["p"]
    mine, exact = data["pressure"][1:]
    assert found == pytest.approx([np.linalg.norm(mine - exact) / np.linalg.norm(exact)], rel=1e-6)


def plane_waves(cases, training):
    """Pressures that are linear in ka and M over the phase of a spherical wave from the open end."""
    data = pressures(cases, training)
    ka, mach, x, r = (data[name] for name in ("helmholtz", "mach", "x", "r"))
    ka, mach = ka[:, None], mach[:, None]
    beta = np.sqrt(1 - mach**2)
    turned = np.exp(1j * ka / beta**2 * (np.sqrt(x**2 + beta**2 * r**2) - mach * x))  # the same, written otherwise
    values = (2 + 3 * ka + 4j * mach + np.cos(x)) * turned
    data.arrays["pressure"][:] = np.stack([values.real, values.imag], axis=-1)
    return data


def test_training_cases_are_interpolated_over_the_phase_of_a_spherical_wave():
    random = np.random.default_rng(0)
    modes = [(1, 0, ka, mach) for ka, mach in random.uniform((3, -0.5), (9, 0.5), size=(60, 2))]
    data = plane_waves(
        [*modes, *((2, 0, ka + 0.2, mach) for _, _, ka, mach in modes)][:100], 50
    )  # the last forty are of m = 2
    found = compare(data, test_errors=np.full(50, 1e-3))
    of = found.errors["interpolated training cases"]["p"]
    assert np.max(of[:10]) < 1e-7  # the network's file is in single precision
    assert np.min(of[10:]) > 1e-3  # no mode of theirs in the training
    assert np.min(found.errors["nearest training case"]["p"]) > 1e-3


def test_the_network_is_shown_beside_the_strongest_method_without_one():
    random = np.random.default_rng(0)
    data = plane_waves([(1, 0, ka, mach) for ka, mach in random.uniform((3, -0.5), (9, 0.5), size=(60, 2))], 50)
    found = compare(data, test_errors=np.full(10, 1e-3))
    assert found.rival == "interpolated training cases"
    assert "as much as that of interpolated training cases" in found.verdict.sentences()[0]  # which is exact here
    assert "the network and interpolated training cases, the best method" in comparison_report.page(found, data, {})


@pytest.mark.parametrize(
    "points",
    [
        np.zeros((0, 2)),
        np.array([[1.0, 2.0], [2.0, 3.0]]),  # too few
        np.full((30, 2), 3.0),
        np.repeat(np.random.default_rng(0).normal(size=(10, 2)), 2, axis=0),  # twice the same
    ],
)
def test_what_cannot_be_interpolated_is_the_default(points):
    default = np.array([[7.0]])
    found = interpolation.interpolated(points, np.ones((len(points), 1)), np.array([[1.5, 2.5]]), default)
    assert found is default


def test_coordinates_that_never_change_or_follow_from_others_do_not_count():
    along = np.linspace(0, 1, 4)  # enough for a line, too few for three coordinates
    points = np.stack([along, np.full(4, 0.3), 2 * along - 1], axis=1)
    wanted = np.array([[0.37, 0.3, -0.26]])
    found = interpolation.interpolated(points, points[:, :1] * 5 - 1, wanted, np.zeros((1, 1)))
    np.testing.assert_allclose(found, [[0.85]], rtol=1e-10)


def test_test_cases_are_no_training_cases():
    data = pressures([(2, 0, 9.0, 0.2), (2, 0, 5.0, 0.2), (2, 0, 5.0, 0.2)], 1)
    assert competitors.nearest_training_cases(data, data.cases("test")).tolist() == [0, 0]


def test_the_mean_of_the_test_cases_is_a_baseline():
    values = np.zeros((3, 4, 2))
    values[:, 0, 0] = 100.0, 1.0, 3.0  # the training's is no part of the mean, which is 2
    found = compare(pressures([(0, 0, 5.0, 0.0)] * 3, 1, values), test_errors=[0.01, 0.01])
    assert found.errors["mean of the test cases"]["p"] == pytest.approx([1.0, 1 / 3])


@pytest.fixture(scope="module")
def fields():
    data = near_fields([(2, 9.0, 0.3), (1, 7.0, -0.5), (3, 8.0, 0.0)])
    cases = data.cases("test")
    exact = np.concatenate([data["axial_velocity"], data["radial_velocity"]], axis=1)
    off = [error * np.array([1, 1, 2, 2])[:, None, None] for error in (1e-3, 3e-3, 2e-3)]  # twice as much of v
    return data, comparison.compare("net", Off(exact, off), {}, data, cases)


def test_finite_differences_and_wave_stencils_compete(fields):
    _, found = fields
    assert list(found.errors) == [
        "net",
        *(f"differences of order {order}" for order in (2, 4, 6, 8)),
        "wave stencils",
    ]
    for quantity, times in (("u", 1), ("v", 2)):
        assert found.errors["net"][quantity] == pytest.approx([times * 1e-3, times * 3e-3, times * 2e-3], rel=1e-9)
    assert found.rival == "wave stencils"
    # Order 2 along a wave exp(i kappa x): inner points have the error 1 - sin(kappa h) / (kappa h); those at the ends,
    # 2 of 48, up to twice as much.
    kappa, h = 6.390495, 1 / 16  # of m = 2, ka = 9, M = 0.3
    inner = 1 - np.sin(kappa * h) / (kappa * h)
    assert 0.97 * inner < found.errors["differences of order 2"]["u"][0] < 1.2 * inner


def test_points_per_wavelength_are_of_the_wave_against_the_flow():
    x, r = np.arange(4) / 8, np.arange(4) / 16
    found = comparison.points_per_wavelength(np.array([5.0, 5.0]), np.array([0.5, -0.5]), x, r)
    np.testing.assert_allclose(found, 2 * np.pi * 0.5 / 5 * 8, rtol=1e-14)


def test_errors_are_plotted_against_parameters_of_their_own_cases(compared, data, fields):
    cases = data.cases("test")
    assert list(compared.against) == ["Helmholtz number ka", "azimuthal order m"]
    np.testing.assert_array_equal(compared.against["Helmholtz number ka"], data["helmholtz"][cases])
    np.testing.assert_array_equal(compared.against["azimuthal order m"], data["m"][cases])
    points = fields[1].against["points per wavelength"]
    # 2 pi (1 - |M|) / ka over 1 / 16, for ka = 9, 7, 8 and M = 0.3, -0.5, 0
    np.testing.assert_allclose(points, [7.819075, 7.180784, 12.566371], rtol=1e-6)


def test_wave_stencils_are_told_the_wave(fields):
    data, found = fields
    potential, parameters, _ = tensors(data, data.cases("test"))
    exact = np.concatenate([data["axial_velocity"], data["radial_velocity"]], axis=1)
    stencils = WaveDerivatives(data["x"], data["r"])
    own, other = (
        stencils(potential, parameters * torch.tensor([1.0, factor, 1.0])).numpy() - exact for factor in (1.0, 0.8)
    )
    for quantity, part in (("u", slice(0, 2)), ("v", slice(2, 4))):
        size = np.sqrt(np.sum(exact[:, part] ** 2, axis=(1, 2, 3)))
        right, wrong = (np.sqrt(np.sum(off[:, part] ** 2, axis=(1, 2, 3))) / size for off in (own, other))
        np.testing.assert_allclose(found.errors["wave stencils"][quantity], right, rtol=1e-9)
        assert max(right) < max(wrong), quantity  # those of a wave of another ka


# what is said


def test_metrics_have_their_keys_and_numbers(compared, data):
    run = {"training_seconds": 12.5, "preset": "quick"}
    metrics = compare(data, run).metrics()
    assert list(metrics) == [
        "verdict",
        "median",
        "percentile_95",
        "largest",
        "level_error_db_within_20_db",
        "model",
        "test_cases",
        "solver_error_estimate",
        "training_seconds",
        "preset",
    ]
    assert (metrics["model"], metrics["test_cases"]) == ("net", TEST)
    assert (metrics["training_seconds"], metrics["preset"]) == (12.5, "quick")
    assert metrics["solver_error_estimate"] == data["error_estimate"][3]  # the largest of the test cases
    assert metrics["level_error_db_within_20_db"]["median"] == pytest.approx(20 * np.log10(1.10), abs=0.1)


def test_a_report_has_the_level_errors_in_decibels(data):
    text = comparison_report.page(compare(data, test_errors=np.full(TEST, 10 ** (3 / 20) - 1)), data, {})
    assert "Level error within 20 dB of the peak: median 3.00 dB, 95th percentile 3.00 dB." in text


def test_the_95th_percentile_of_the_level_errors_is_printed():
    values = np.zeros((1 + TEST, 4, 2))
    values[:, 0] = np.stack(
        [np.cos(np.arange(1 + TEST)), np.sin(np.arange(1 + TEST))], axis=1
    )  # one microphone has all
    data = pressures([(0, 0, 5.0, 0.0)] * (1 + TEST), 1, values)
    found = compare(data, test_errors=10 ** (np.arange(TEST) / 20) - 1)
    assert found.level_statistics() == pytest.approx({"median": 10.0, "percentile_95": 19.0}, rel=1e-5)
    text = comparison_report.page(found, data, {})
    assert "Level error within 20 dB of the peak: median 10.00 dB, 95th percentile 19.00 dB." in text


@pytest.mark.parametrize(("changed", "own"), [("content_hash", False), ("recipe", True), ("versions", True)])
def test_a_report_says_whether_the_test_data_are_the_network_s_own(data, changed, own):
    """By what they hold, not where they come from."""
    trained = PROVENANCE | {changed: "another"}
    found = compare(data, {"dataset": trained})
    facts = comparison_report.provenance(found, data, "run", "data.h5", "wavenet compare")
    seen = "of the dataset that the network was trained on; its training did not see them"
    other = "of another dataset than the network was trained on; that its training saw none of them is not known"
    assert facts["test cases"] == (seen if own else other)
    assert found.same_dataset == own


def test_a_run_that_does_not_say_its_dataset_is_not_trusted(compared):
    assert not compared.same_dataset


def test_provenance_names_run_dataset_and_command(data):
    found = compare(data, {"preset": "quick", "seed": 7, "training_seconds": 12.4})
    facts = comparison_report.provenance(found, data, "run", "data.h5", "wavenet compare run")
    assert facts["run"] == "run: net, preset quick, seed 7, trained for 12 s"
    assert facts["dataset"] == f"data.h5: recipe small, seed 3; numpy 9; commit abc; content {'a' * 64}"
    assert facts["command"] == "wavenet compare run"
    assert "trained for" not in comparison_report.provenance(compare(data), data, "r", "d", "c")["run"]


def test_the_verdict_is_of_the_ranges_of_the_run(data):
    ranges = {"m": [0, 4], "helmholtz": [3.0, 12.0], "mach": [-0.5, 0.5]}
    assert compare(data, {"ranges": ranges}).verdict.outside == np.sum(data["helmholtz"][3:] > 12.09)


def test_orders_of_either_sign_are_within_the_same_range(data):
    """The fields of m and -m differ in their azimuthal phase only, so a run's range is that of |m|."""
    ranges = {"m": [2, 2], "helmholtz": [0.0, 1e3], "mach": [-1.0, 1.0]}
    mirrored = pressures([(0, 0, 5.0, 0.0)] * 3 + [(-2, 1, 7.0, 0.3)] * TEST, 3)
    assert compare(mirrored, {"ranges": ranges}).verdict.outside == 0
    assert compare(data, {"ranges": ranges | {"m": [-2, -2]}}).verdict.outside == TEST


def test_pictures_say_what_they_show(fields):
    data, found = fields
    text = comparison_report.page(found, data, {})
    assert "the network and wave stencils, the best classical method for u" in text
    difference = 3e-3 * np.max(np.abs(data["axial_velocity"][1, 0]))
    assert f"Largest difference of Re u: {difference:.3f}, largest Re u: {difference / 3e-3:.1f}." in text


def test_a_dataset_of_another_task_is_refused(data):
    edge = type(data)(type(data.about)("edge", data.about.splits, PROVENANCE, (), {}), data.arrays)
    with pytest.raises(ValueError, match="one of the tasks derivative, forward, jet_factor, got 'edge'"):
        comparison.compare("net", Off([], []), {}, edge, edge.cases("test"))


def test_a_dataset_without_test_cases_is_refused():
    data = pressures([(0, 0, 5.0, 0.0)], 1)
    with pytest.raises(ValueError, match=r"name\.h5 has no test cases"):
        comparison.expect_test_cases(data, "name.h5")
