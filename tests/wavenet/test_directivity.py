"""The surrogate of the directivity: against the solver, its guard, its error bars, superposition and gradients."""

import itertools
import re

import numpy as np
import pytest
import torch
from scipy.special import jvp

from analytic import DuctMode, cut_on_orders, plus_factor, radial_eigenvalues, solve, sweep
from wavenet import far_field
from wavenet.far_field import closed_forms, error_bars, plain
from wavenet.far_field.directivity import LEVELS, Directivity, DirectivityConfig, mach_corrected_angle, relative_error
from wavenet.far_field.error_bars import random_modes
from wavenet.far_field.learning import learned
from wavenet.networks import directivity as entry
from wavenet.runs import SHIPPED, load, save

THETA = np.linspace(0, np.pi, 37)


@pytest.fixture(scope="module")
def shipped():
    return far_field.load()


def modes(rng, count, low=3.0, high=30.0, mach=0.6, orders=21):
    """Random modes that are cut on: m, n, ka, M."""
    found = []
    while len(found) < count:
        m, helmholtz, flow = int(rng.integers(0, orders)), rng.uniform(low, high), rng.uniform(-mach, mach)
        cut_on = int(np.sum(radial_eigenvalues(m, 20) < helmholtz / np.sqrt(1 - flow**2)))
        if cut_on:
            found.append((m, int(rng.integers(0, cut_on)), helmholtz, flow))
    return [np.array(column) for column in zip(*found, strict=True)]


def predicted(model, columns, theta=THETA):
    with torch.no_grad():
        return model(*map(torch.from_numpy, columns), torch.from_numpy(theta)).numpy()


def test_the_shipped_one_agrees_with_the_solver_within_its_bars(shipped):
    columns = random_modes(shipped.config, 400, np.random.default_rng(5))
    exact = sweep(*columns[:3], THETA, mach=columns[3]).directivity
    errors = relative_error(predicted(shipped, columns), exact)
    assert np.median(errors) < 1e-4
    assert np.percentile(errors, 99) < 2e-3
    for coverage in (0.5, 0.8, 0.9, 0.95):
        bars = [shipped.error_bar(*case, coverage) for case in zip(*columns[2:], strict=True)]
        inside = np.mean(errors <= bars)
        assert abs(inside - coverage) < 4 * np.sqrt(coverage * (1 - coverage) / len(errors))


def test_a_small_one_is_learned_calibrated_and_saved(tmp_path):
    orders = (0, 3)
    k = np.concatenate([np.random.default_rng(0).uniform(3, 9, 60)] * 2)
    m = np.repeat(orders, 60)
    angle = np.pi * (np.cos(np.pi * (np.arange(60) + 0.5) / 60) + 1) / 2
    factor = np.concatenate([plus_factor(order, k[m == order], angle)[0] for order in orders])
    model = Directivity(DirectivityConfig(orders, 3.0, 9.0, degree=12, angles=48))
    with pytest.raises(ValueError, match="not been calibrated"):
        model.error_bar(5.0, 0.0)
    model.fit(m, k, angle, factor)
    columns = random_modes(model.config, 1200, np.random.default_rng(3))
    exact, known = sweep(*columns[:3], THETA, mach=columns[3]).directivity, columns[2] / np.sqrt(1 - columns[3] ** 2)
    with pytest.raises(ValueError, match="cases in a band of K are too few"):
        model.calibrate(known[:50], exact[:50], exact[:50])
    model.calibrate(known, predicted(model, columns), exact)
    save(tmp_path, "directivity", model, {})
    again = load(tmp_path, task="factor")[1]
    for order in orders:
        solution = solve(DuctMode(order, 0, 6.3, 0.2))
        found = predicted(again, [np.array([order]), np.array([0]), np.array([6.3]), np.array([0.2])])[0]
        assert relative_error(found, solution.directivity(THETA)) < 1e-4
    assert again.error_bar(6.3, 0.2, 0.5) < again.error_bar(6.3, 0.2, 0.9) < 1e-2
    with pytest.raises(ValueError, match="coverage must be one of"):
        again.error_bar(6.3, 0.2, 0.7)
    with pytest.raises(ValueError, match="no error bars at"):
        again.error_bar(12.0, 0.0)


def test_pressure_is_that_of_the_solver(shipped):
    m, n, helmholtz, mach = 2, 1, 9.0, -0.4
    angle = np.radians([20.0, 60.0, 100.0])
    x, r = 60 * np.cos(angle), 60 * np.sin(angle)
    exact = solve(DuctMode(m, n, helmholtz, mach), tolerance=1e-5).at(x, r).pressure
    found = shipped.pressure(m, n, helmholtz, mach, torch.from_numpy(x), torch.from_numpy(r))[0].numpy()
    np.testing.assert_allclose(found, exact, rtol=0, atol=2e-3 * np.max(np.abs(exact)))
    theta = mach_corrected_angle(torch.from_numpy(angle), mach).numpy()
    np.testing.assert_allclose(np.tan(theta), np.sqrt(1 - mach**2) * np.tan(angle), rtol=1e-6)


def test_signs_and_orders_of_arguments(shipped):
    theta = torch.from_numpy(THETA)
    plus, minus = shipped(4, 0, 9.0, 0.1, theta), shipped(-4, 0, 9.0, 0.1, theta)
    torch.testing.assert_close(plus, minus)
    several = shipped(torch.tensor([4, 0, 4]), torch.tensor([0, 1, 0]), torch.tensor([9.0, 8.0, 9.0]), 0.1, theta)
    torch.testing.assert_close(several[0], plus[0], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(several[2], several[0])
    own = shipped(torch.tensor([4, 0]), torch.tensor([0, 1]), 9.0, 0.1, torch.stack([theta, theta.flip(0)]))
    torch.testing.assert_close(own[0], plus[0])


@pytest.mark.filterwarnings("ignore")  # the exporters', on each other
def test_a_mode_is_exported(shipped, tmp_path):
    """torch.export and ONNX, with other numbers of cases and angles than they were exported with."""
    import onnxruntime

    mode = Directivity(shipped.config)
    mode.load_state_dict(shipped.state_dict())
    mode = mode.float().of_mode(-2, 1).eval()
    shapes = ({0: torch.export.Dim("case")},) * 2 + ({0: torch.export.Dim("angle")},)
    inputs = torch.tensor([9.0, 12.0]), torch.tensor([0.1, -0.2]), torch.linspace(0.1, 3.0, 7)
    others = torch.tensor([8.0, 9.0, 20.0]), torch.tensor([0.0, 0.3, -0.5]), torch.linspace(0.0, 2.0, 4)
    expected = mode(*others)
    direct = torch.view_as_complex(expected).numpy()
    known = shipped(2, 1, *others).numpy()
    np.testing.assert_allclose(direct, known, atol=2e-5 * np.max(np.abs(known)))
    program = torch.export.export(mode, inputs, dynamic_shapes=shapes)
    torch.testing.assert_close(program.module()(*others), expected, rtol=0, atol=0)
    path = tmp_path / "mode.onnx"
    torch.onnx.export(mode, inputs, dynamo=True, dynamic_shapes=shapes, verbose=False).save(path)
    session = onnxruntime.InferenceSession(path)
    feed = {given.name: value.numpy() for given, value in zip(session.get_inputs(), others, strict=True)}
    found = session.run(None, feed)[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5 * float(expected.abs().max()))
    with pytest.raises(ValueError, match=r"mode \(2, 40\) was not learned"):
        shipped.of_mode(2, 40)


def test_gradients_are_those_of_differences(shipped):
    def power(values):
        helmholtz, mach, shift = values
        theta = torch.linspace(0.3, 2.0, 9, dtype=torch.float64) + shift
        found = shipped(3, 1, helmholtz, mach, theta)
        return (found.abs() ** 2).sum()

    at = torch.tensor([11.0, 0.2, 0.01], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(power, at, eps=1e-6, rtol=1e-5)


def test_what_was_not_learned_is_refused(shipped):
    theta = torch.from_numpy(THETA)
    rng, refused = np.random.default_rng(2), 0
    for _ in range(200):
        kind = rng.integers(0, 4)
        m, n, helmholtz, mach = int(rng.integers(0, 21)), 0, rng.uniform(25, 30), rng.uniform(-0.5, 0.5)
        if kind == 0:
            m = int(rng.integers(21, 40)) * (1 if rng.random() < 0.5 else -1)
        elif kind == 1:
            helmholtz = rng.uniform(39, 80)
        elif kind == 2:
            helmholtz = rng.uniform(0.1, 2.1)
        else:
            n = int(rng.integers(12, 40))
        with pytest.raises(ValueError, match=r"m = |mode "):
            shipped(m, n, helmholtz, mach, theta)
        refused += 1
    assert refused == 200
    with pytest.raises(ValueError, match="mode"):
        shipped(0, -1, 9.0, 0.0, theta)
    with pytest.raises(ValueError, match="subsonic"):
        shipped(0, 0, 9.0, 1.2, theta)
    with pytest.raises(ValueError, match="subsonic"):
        shipped(0, 0, 9.0, float("nan"), theta)
    with pytest.raises(ValueError, match="theta must lie"):
        shipped(0, 0, 9.0, 0.0, -theta)
    insisting = Directivity(shipped.config)
    insisting.load_state_dict(shipped.state_dict())
    insisting.extrapolate = True
    assert torch.isfinite(insisting(0, 0, 38.5, 0.0, theta).abs()).all()
    with pytest.raises(ValueError, match="not among the learned"):
        insisting(30, 0, 38.5, 0.0, theta)
    with pytest.raises(ValueError, match="outside the training range"):
        insisting(0, 0, 45.0, 0.0, theta)


def test_the_top_of_the_range_is_as_good(shipped):
    """No order is asked for more than it was taught."""
    top = shipped.config.high * (1 - 1e-6)
    m = np.arange(21)
    columns = [m, np.zeros(21, int), np.full(21, top), np.zeros(21)]
    exact = sweep(*columns[:3], THETA, mach=columns[3]).directivity
    assert np.max(relative_error(predicted(shipped, columns), exact)) < 5e-3


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="different and not negative"):
        DirectivityConfig((1, 1), 3.0, 9.0)
    with pytest.raises(ValueError, match="low < high"):
        DirectivityConfig((1,), 9.0, 3.0)
    model = Directivity(DirectivityConfig((0,), 3.0, 9.0, degree=4, angles=8))
    angle, k = np.linspace(0.1, 3.0, 12), np.linspace(3, 9, 4)
    with pytest.raises(ValueError, match="4 cases of m = 0 are too few"):
        model.fit(np.zeros(4, int), k, angle, np.ones((4, 12), complex))
    with pytest.raises(ValueError, match="finite"):
        model.fit(np.zeros(4, int), k, angle, np.full((4, 12), np.nan + 0j))
    with pytest.raises(ValueError, match="helmholtz must be positive"):
        plus_factor(0, [-1.0], angle)
    with pytest.raises(ValueError, match=r"theta must lie in \(0, pi\)"):
        plus_factor(0, [1.0], [0.0])


def test_bars_are_the_errors_that_so_many_do_not_exceed():
    """Counted: the least error that ceil((n + 1) coverage) of the n errors of a band do not exceed."""
    config, rng = DirectivityConfig((0,), 2.0, 10.0), np.random.default_rng(0)
    k, errors = rng.uniform(2.0, 10.0, 2000), rng.exponential(size=2000)
    found = error_bars.bars(config, k, errors)
    for row in range(error_bars.BANDS):
        own = errors[(k >= 2 + row) & (k < 3 + row)]  # eight bands of 2 ... 10
        for bar, level in zip(found[row], LEVELS, strict=True):
            needed = np.ceil((len(own) + 1) * level)
            assert np.sum(own <= bar) >= needed
            assert np.sum(own < bar) < needed
    few = np.linspace(2, 10, 8 * 90)
    with pytest.raises(ValueError, match=r"cases in a band of K are too few for a coverage of 0\.99"):
        error_bars.bars(config, few, few)


def test_each_band_has_its_own_bars():
    config = DirectivityConfig((0,), 2.0, 10.0, degree=4, angles=8)
    model, k = Directivity(config), np.linspace(2.0, 10.0, 1600)
    exact = np.ones((1600, 3), complex)
    relative = 1e-3 * (1 + np.arange(1600) // 200)  # the number of the band, in thousandths
    model.calibrate(k, exact * (1 + relative)[:, None], exact)
    for number in range(8):
        assert model.error_bar(2.5 + number, 0.0, 0.5) == pytest.approx(1e-3 * (number + 1), rel=1e-9)
    # K = ka / sqrt(1 - M^2) chooses the band
    assert model.error_bar(4.5 * np.sqrt(1 - 0.6**2), 0.6, 0.5) == pytest.approx(3e-3, rel=1e-9)
    assert [error_bars.band(config, end) for end in (1.0, 2.0, 10.0, 11.0)] == [0, 0, 7, 7]


def test_random_modes_are_cut_on_and_cover_the_range():
    config = DirectivityConfig((0, 1, 5), 2.0, 10.0)
    m, n, helmholtz, mach = error_bars.random_modes(config, 2000, np.random.default_rng(1))
    k = helmholtz / np.sqrt(1 - mach**2)
    counts = np.array([cut_on_orders(number, order, 0.0) for order, number in zip(m.tolist(), k, strict=True)])
    assert np.all((n >= 0) & (n < counts))
    assert np.any(n == counts - 1)
    # uniform in K and M, to four standard deviations of the mean
    for values, (low, high) in ((k, (2.0, 10.0)), (mach, (-0.6, 0.6))):
        assert np.all((values >= low) & (values <= high))
        assert np.mean(values) == pytest.approx((low + high) / 2, abs=4 * (high - low) / np.sqrt(12 * 2000))
        assert np.ptp(values) > 0.99 * (high - low)  # 1 % at one of 2000 ends: exp(-20) by chance
    assert set(m.tolist()) == {0, 1, 5}


def test_the_entry_learns_and_calibrates_from_exact_modes(monkeypatch):
    """Orders of either sign count alike; the bars are those of the modes that `exact` was asked for."""
    monkeypatch.setattr(entry, "_CALIBRATION", 1200)
    angle = np.pi * (np.cos(np.pi * (np.arange(130) + 0.5) / 130) + 1) / 2
    k = np.random.default_rng(0).uniform(3, 9, 60)
    values = plus_factor(0, k, angle)[0]
    cases = [{"factor": np.stack([value.real, value.imag], axis=-1)} for value in values]
    source = Listed(cases, {"m": np.zeros(60, int), "helmholtz": k}, {"angle": angle})
    asked = []

    def exact(m, n, helmholtz, mach, theta):
        asked.append((m, n, helmholtz, mach))
        return sweep(m, n, helmholtz, theta, mach=mach).directivity

    model = entry.NETWORK.fit(source, 4, exact)
    assert (model.config.orders, model.config.low, model.config.high) == ((0,), k.min(), k.max())
    (columns,) = asked
    assert len(columns[0]) == 1200
    errors = relative_error(predicted(model, columns, THETA), sweep(*columns[:3], THETA, mach=columns[3]).directivity)
    bars = [model.error_bar(*case, 0.5) for case in zip(*columns[2:], strict=True)]
    assert abs(np.mean(errors <= bars) - 0.5) < 0.02  # by construction, to the ranks' rounding
    with pytest.raises(ValueError, match="60 cases of m = 0 are too few for degree 60"):
        learned(DirectivityConfig((0,), 3.0, 9.0, degree=60), 0, np.zeros(1), 3.0, k, angle, values)


class AskedError(Exception):
    """Raised with the arguments that the entry passed to `exact`."""


def test_the_entry_asks_for_modes_of_the_common_range():
    """4000 modes where all orders were learned, at every fifth degree; other modes for another seed."""
    angle = np.pi * (np.cos(np.pi * (np.arange(130) + 0.5) / 130) + 1) / 2
    ranges = {0: (3.0, 8.5), 1: (3.5, 9.0)}
    k = np.concatenate([np.linspace(*ends, 44) for ends in ranges.values()])
    m = np.repeat([0, -1], 44)
    values = np.concatenate([plus_factor(order, k[abs(m) == order], angle)[0] for order in ranges])
    cases = [{"factor": np.stack([value.real, value.imag], axis=-1)} for value in values]
    source = Listed(cases, {"m": m, "helmholtz": k}, {"angle": angle})

    def exact(*given):
        raise AskedError(*given)

    asked = []
    for seed in (0, 4, 4):
        with pytest.raises(AskedError) as found:
            entry.NETWORK.fit(source, seed, exact)
        asked.append(found.value.args)
    for orders, n, helmholtz, mach, theta in asked:
        assert {len(column) for column in (orders, n, helmholtz, mach)} == {4000}
        np.testing.assert_allclose(np.degrees(theta), np.arange(0, 181, 5), atol=1e-12)
        ends = helmholtz / np.sqrt(1 - mach**2)
        assert 3.5 <= ends.min() < 3.6
        assert 8.4 < ends.max() <= 8.5
    assert not np.array_equal(asked[0][2], asked[1][2])
    assert np.array_equal(asked[1][2], asked[2][2])


class Listed(list):
    """A source of cases in a list."""

    def __init__(self, cases, columns, constants):
        super().__init__(cases)
        self.columns, self.constants = columns, constants


def test_microphones_too_near_or_far_behind_are_refused(shipped):
    def at(x, r, mach=0.0):
        return shipped.pressure(0, 0, 5.0, mach, torch.tensor([x]), torch.tensor([r]))

    assert at(5.0, 0.1).abs() > 0
    with pytest.raises(ValueError, match=r"x = 4.9, r = 0.1 .* is closer than 5.0 to the open end"):
        at(4.9, 0.1)
    assert at(4.9, 0.1, mach=0.5).abs() > 0  # x / beta counts
    with pytest.raises(ValueError, match="more than 150 degrees behind"):
        at(-9.0, 5.0)
    assert at(-9.0, 5.3).abs() > 0
    with pytest.raises(ValueError, match="more than 150 degrees behind"):
        at(6.0, -0.1)


def test_the_door_gives_the_shipped_one_and_a_run(tmp_path, shipped):
    assert torch.equal(far_field.load().coefficients, load(SHIPPED["factor"], task="factor")[1].coefficients)
    save(tmp_path, "directivity", shipped, {})
    assert torch.equal(far_field.load(tmp_path).bars, shipped.bars)
    with pytest.raises(ValueError, match="one of the factor task is needed"):
        far_field.load("unet")


def test_core_is_the_sum_of_the_modes():
    model = far_field.load()
    m, n, theta = torch.tensor([1, 1, 2]), torch.tensor([0, 1, 0]), torch.linspace(0.1, 3, 5, dtype=torch.float64)
    amplitudes = torch.tensor([1 + 2j, -0.5j, 0.3 + 0j], dtype=torch.complex128)
    found = model.core(m, n, 8.0, 0.2, theta)(torch.view_as_real(amplitudes).reshape(1, -1))
    with torch.no_grad():
        expected = amplitudes @ model(m, n, 8.0, 0.2, theta)
    assert torch.allclose(torch.view_as_complex(found.reshape(-1, 2).contiguous()), expected, rtol=1e-13)


def test_modes_of_either_sign_are_cut_on_by_the_zeros():
    """j'_0: 0, 3.8317; j'_1: 1.8412, 5.3314; K = ka / 0.8 at |M| = 0.6."""
    model = Directivity(DirectivityConfig((0, 1), 3.0, 9.0, degree=4, angles=8))
    low = [(-1, 0), (0, 0), (0, 1), (1, 0)]
    assert model.cut_on(4.0, 0.0) == low
    assert model.cut_on(4.2, -0.6) == low  # K = 5.25
    assert model.cut_on(4.3, 0.6) == [(-1, 0), (-1, 1), (0, 0), (0, 1), (1, 0), (1, 1)]  # K = 5.375
    for mach in (-1.0, -1.2, 1.0):
        with pytest.raises(ValueError, match=f"the flow must be subsonic, got mach={mach}"):
            model(0, 0, 4.0, mach, torch.ones(1))
    for helmholtz in (2.9, 9.1):
        with pytest.raises(ValueError, match=f"there are no error bars at .* = {helmholtz}"):
            model.error_bar(helmholtz, 0.0)
    with pytest.raises(ValueError, match="have not been calibrated"):
        model.error_bar(3.0, 0.0)


def test_no_eigenvalue_below_the_top_is_left_out():
    """As many as J_m' has changes of sign, of which there is none at the plane wave's zero."""
    for m, top in itertools.product((0, 1, 7, 20), (6.0, 20.0, 44.0)):
        found = closed_forms.eigenvalues(m, top)
        slopes = jvp(m, np.linspace(1e-3, top, 20000))
        assert len(found) == np.count_nonzero(np.diff(np.sign(slopes))) + (m == 0)
        np.testing.assert_allclose(jvp(m, found[found > 0]), 0.0, atol=1e-12)


def test_the_form_without_torch_is_the_network(shipped):
    """Random modes, cut on or not, inside the range and beside it: the same numbers, refusals and error bars."""
    theta, rng, compared = np.linspace(0, np.pi, 41), np.random.default_rng(5), 0
    model = plain.load()
    for m, n in itertools.product((-3, 0, 1, 20), range(4)):
        mach = rng.uniform(-0.6, 0.6)
        k = rng.uniform(2.0, 40.0)
        helmholtz = k * np.sqrt(1 - mach**2)
        try:
            exact = shipped(m, n, helmholtz, mach, torch.from_numpy(theta))[0].numpy()
        except ValueError as error:
            with pytest.raises(ValueError, match=re.escape(str(error))):
                model(m, n, helmholtz, mach, theta)
            continue
        found = model(m, n, helmholtz, mach, theta)
        assert np.linalg.norm(found - exact) < 1e-12 * np.linalg.norm(exact)
        assert model.error_bar(helmholtz, mach, 0.9) == shipped.error_bar(helmholtz, mach, 0.9)
        compared += 1
    assert compared > 5
    with pytest.raises(ValueError, match="coverage must be one of"):
        model.error_bar(5.0, 0.0, 0.7)
    with pytest.raises(ValueError, match="m = 21 is not among the learned orders"):
        model(21, 0, 30.0, 0.0, theta)


def test_the_form_without_torch_extrapolates_as_the_network(shipped):
    theta, k = np.linspace(0, np.pi, 9), shipped.config.high + 2.0
    with pytest.raises(ValueError, match="outside the training range"):
        plain.load()(0, 0, k, 0.0, theta)
    found = plain.load()(0, 0, k, 0.0, theta, extrapolate=True)
    shipped.extrapolate = True
    try:
        exact = shipped(0, 0, k, 0.0, torch.from_numpy(theta))[0].numpy()
    finally:
        shipped.extrapolate = False
    assert np.linalg.norm(found - exact) < 1e-10 * np.linalg.norm(exact)
