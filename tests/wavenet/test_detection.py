"""Mode detection: coverage against the solver's near field, choice of few modes, what it warns of and refuses."""

import json

import h5py
import numpy as np
import pytest
import torch

from analytic import DuctMode, solve
from data.microphones import MicrophoneArray, read_array, write_array
from wavenet import far_field
from wavenet.far_field.detection import detect

from .commands import run

KA, MACH, MICROPHONES = 9.0, 0.2, 40


@pytest.fixture(scope="module")
def surrogate():
    return far_field.load()


@pytest.fixture(scope="module")
def places():
    rng = np.random.default_rng(0)
    angle, beta = np.radians(rng.uniform(15, 130, MICROPHONES)), np.sqrt(1 - MACH**2)
    return 8 * np.cos(angle) * beta, 8 * np.sin(angle), rng.uniform(0, 2 * np.pi, MICROPHONES)


@pytest.fixture(scope="module")
def known(places):
    """Responses of ten modes by the solver."""
    x, r, phi = places
    modes = [(-6, 0), (-3, 1), (-1, 0), (0, 0), (0, 2), (1, 0), (2, 1), (4, 0), (5, 0), (7, 0)]
    fields = [solve(DuctMode(abs(m), n, KA, MACH), tolerance=1e-5).at(x, r).pressure for m, n in modes]
    return modes, np.array(fields) * np.exp(1j * np.outer([m for m, _ in modes], phi))


def responses(model, modes, places):
    x, r, phi = places
    m, n = (torch.tensor(column) for column in zip(*modes, strict=True))
    with torch.no_grad():
        found = model.pressure(m.abs(), n, KA, MACH, torch.from_numpy(x), torch.from_numpy(r)).numpy()
    return found * np.exp(1j * np.outer(m.numpy(), phi))


def complex_normal(rng, *shape):
    return rng.normal(size=(*shape, 2)) @ [1, 1j] / np.sqrt(2)


def test_pressures_near_by_are_those_of_the_solver(surrogate, known, places):
    modes, exact = known
    found = responses(surrogate, modes, places)
    errors = np.linalg.norm(found - exact, axis=1) / np.linalg.norm(exact, axis=1)
    assert np.max(errors) < 3e-3


@pytest.mark.parametrize("snapshots", [1, 5])
def test_intervals_cover(surrogate, known, places, snapshots):
    """500 trials of ten modes at 20 dB: the solver's pressures and noise, the surrogate's responses."""
    modes, exact = known
    response, rng = responses(surrogate, modes, places), np.random.default_rng(snapshots)
    inside, errors = [], []
    for _ in range(500):
        truth = complex_normal(rng, len(modes))
        clean = truth @ exact
        noise = 0.1 * np.sqrt(np.mean(np.abs(clean) ** 2))
        found = detect(clean + noise * complex_normal(rng, snapshots, MICROPHONES), response)
        miss = found.amplitude - truth
        inside += [np.abs(part) <= found.half_width for part in (miss.real, miss.imag)]
        errors.append(np.linalg.norm(miss) / np.linalg.norm(truth))
    assert 0.93 < np.mean(inside) < 0.97
    assert np.median(errors) < 0.1 / np.sqrt(snapshots)


@pytest.mark.parametrize("told", [True, False])
def test_few_of_many_modes_are_chosen(surrogate, known, places, told):
    modes, exact = known
    every = surrogate.cut_on(KA, MACH)
    assert set(modes) <= set(every)
    response, rng = responses(surrogate, every, places), np.random.default_rng(4)
    picked = [1, 4, 7]
    truth = np.array([1.0, 0.8j, -0.7 + 0.3j])
    clean = truth @ exact[picked]
    noise = 0.05 * np.sqrt(np.mean(np.abs(clean) ** 2))
    found = detect(clean + noise * complex_normal(rng, MICROPHONES), response, few=True, noise=noise if told else None)
    assert {every[index] for index in np.flatnonzero(found.chosen)} == {modes[index] for index in picked}
    places_of = [every.index(modes[index]) for index in picked]
    np.testing.assert_allclose(found.amplitude[places_of], truth, atol=4 * np.nanmax(found.half_width))
    assert np.all(found.amplitude[~found.chosen] == 0)
    nothing = detect(1e-3 * complex_normal(rng, MICROPHONES), response, few=True, noise=1.0)
    assert nothing.warnings == ["no mode was found"]


def test_what_noise_lets_through_is_left_out():
    """One mode among thirty at random microphones, a hundred times: nothing else is chosen."""
    rng, others = np.random.default_rng(0), 0
    for _ in range(100):
        response = complex_normal(rng, 30, 20)
        found = detect(5 * response[0] + complex_normal(rng, 20), response, few=True, noise=1.0)
        assert found.chosen[0]
        others += int(found.chosen[1:].sum())
    assert others == 0


def test_modes_that_look_alike_are_named(known):
    exact = known[1]
    twin = np.concatenate([exact[:3], exact[:1] * 1.001 + 1e-4 * exact[1:2]])
    found = detect(exact[0], twin, names=["a", "b", "c", "d"])
    assert "modes a and d are not separable" in found.warnings[0]
    assert "condition number" in found.warnings[1]
    assert found.condition > 100
    few = detect(exact[0], twin, few=True, noise=1e-3 * np.abs(exact[0]).max(), names=["a", "b", "c", "d"])
    assert "modes a and d are not separable" in few.warnings[0]  # whichever of them was chosen


def test_the_command(surrogate, known, places, tmp_path, capsys):
    modes, exact = known
    rng = np.random.default_rng(5)
    pressure = exact[3] - 0.5j * exact[6] + 0.01 * np.abs(exact).mean() * complex_normal(rng, 3, MICROPHONES)
    path = tmp_path / "array.h5"
    write_array(path, MicrophoneArray(*places, pressure, KA, MACH))
    assert read_array(path).pressure.shape == (3, MICROPHONES)
    assert run("detect", "--array", path, "--few", "--json") == 0
    values = json.loads(capsys.readouterr().out)
    assert [(row["m"], row["n"]) for row in values["modes"]] == [modes[3], modes[6]]
    for row, truth in zip(values["modes"], (1, -0.5j), strict=True):
        assert abs(complex(*row["amplitude"]) - truth) < 3 * row["half_width"] + 1e-3
    run("detect", "--array", path, "--modes=0,0;2,1;5,0")
    assert "condition number" in capsys.readouterr().out


def bomb(file):
    """Ten numbers in a chunk of half a gigabyte."""
    values = file["x"][...]
    del file["x"]
    options = {"maxshape": (None,), "chunks": (2**26,), "compression": "gzip"}
    file.create_dataset("x", data=values, **options)


@pytest.mark.parametrize(
    ("spoil", "arguments", "named"),
    [
        (lambda file: None, ["--modes", "0;1"], "--modes must be"),
        (lambda file: None, ["--modes", "0,0;0,0"], "twice"),
        (lambda file: None, ["--modes", "0,9"], "not cut on"),
        (lambda file: file.attrs.update(helmholtz=14.0), [], "need more than 40 microphones"),
        (lambda file: file.attrs.update(helmholtz=-1.0), [], "attribute helmholtz"),
        (lambda file: file.attrs.update(noise=-1.0), [], "attribute noise"),
        (lambda file: file.attrs.update(noise=[0.1]), [], "attribute noise"),
        (bomb, [], "in chunks of"),
        (lambda file: file.attrs.update(helmholtz=70.0), ["--modes", "0,0"], "outside the training range"),
        (lambda file: file.__delitem__("phi"), [], "phi is missing"),
        (lambda file: file["x"].__setitem__(0, 0.5), ["--modes", "0,0"], None),
        (
            lambda file: (file["x"].__setitem__(0, 0.0), file["r"].__setitem__(0, 2.0)),
            ["--modes", "0,0"],
            "closer than",
        ),
        (lambda file: (file["x"].__setitem__(0, -9.0), file["r"].__setitem__(0, 2.0)), ["--modes", "0,0"], "behind"),
    ],
)
def test_bad_arrays_are_refused(spoil, arguments, named, known, places, tmp_path, capsys):
    path = tmp_path / "array.h5"
    write_array(path, MicrophoneArray(*places, known[1][0], KA, MACH))
    with h5py.File(path, "r+") as file:
        spoil(file)
    assert run("detect", "--array", path, *arguments) == (2 if named else 0)
    if named:
        assert named in capsys.readouterr().err


def test_helmholtz_and_mach_number_are_found_by_gradients(surrogate, example):
    """The example: 20 dB of noise, amplitudes unknown."""
    fitting = example("fit_frequency_and_flow")
    (helmholtz, mach), left = fitting.fit(surrogate, fitting.measure(np.random.default_rng(1)))
    assert helmholtz == pytest.approx(fitting.HELMHOLTZ, abs=0.1)
    assert mach == pytest.approx(fitting.MACH, abs=0.01)
    assert left < 1.2 * fitting.NOISE


def test_bad_input_is_named(known):
    response = known[1]
    with pytest.raises(ValueError, match="not of the same microphones"):
        detect(np.ones(3), response)
    with pytest.raises(ValueError, match="must be finite"):
        detect(np.full(MICROPHONES, np.nan), response)
    with pytest.raises(ValueError, match="mode 1 is zero at every microphone"):
        detect(response[0], response * (np.arange(10) != 1)[:, None])
    with pytest.raises(ValueError, match="microphones are too few for them"):
        detect(response[0, :8], np.random.default_rng(0).normal(size=(40, 8)), few=True, noise=1e-6)
    with pytest.raises(ValueError, match="coverage must lie"):
        detect(response[0], response, coverage=1.5)
    with pytest.raises(ValueError, match="noise must be positive"):
        detect(response[0], response, noise=0.0)
    with pytest.raises(ValueError, match="10 modes need more than 10 microphones"):
        detect(response[0, :10], response[:, :10])


def test_half_widths_by_hand():
    """One mode alike at all microphones: the mean's, by quantiles of the tables for 90, 95 and 99 %."""
    rng = np.random.default_rng(0)
    pressure, response = complex_normal(rng, 3, 8), np.ones((1, 8))
    for coverage, normal in ((0.9, 1.644854), (0.95, 1.959964), (0.99, 2.575829)):
        found = detect(pressure, response, noise=0.2, coverage=coverage)
        assert found.half_width[0] == pytest.approx(normal * 0.2 / np.sqrt(2 * 3 * 8), rel=1e-6)
    # Unknown noise: two microphones leave one complex number, two degrees of freedom.
    for coverage, student in ((0.9, 2.919986), (0.95, 4.302653), (0.99, 9.924843)):
        found = detect([1.0, 1.0 + 0.2j], np.ones((1, 2)), coverage=coverage)
        assert found.noise == pytest.approx(0.2 / np.sqrt(2), rel=1e-12)
        assert found.half_width[0] == pytest.approx(student * found.noise / np.sqrt(2 * 2), rel=1e-6)


@pytest.mark.parametrize("snapshots", [1, 100])
def test_modes_above_what_noise_alone_would_give_are_kept(snapshots):
    """Ten orthogonal modes: one is kept just above s sqrt(2 log(2 10)), s the noise of the snapshots' mean."""
    count, microphones, noise = 10, 20, 0.3
    response = np.exp(2j * np.pi * np.outer(np.arange(count), np.arange(microphones)) / microphones)
    least = noise / np.sqrt(snapshots) * np.sqrt(2 * np.log(2 * count)) / np.sqrt(microphones)
    for factor, kept in ((0.99, False), (1.01, True)):
        pressure = np.tile(factor * least * 1j * response[4], (snapshots, 1))
        found = detect(pressure, response, few=True, noise=noise)
        assert np.flatnonzero(found.chosen).tolist() == [4] * kept
        assert found.amplitude[4] == pytest.approx(1j * factor * least * kept, rel=1e-9)


def test_where_nothing_is_found_the_noise_is_that_of_all_snapshots():
    """Snapshots of opposite sign: their mean is zero, their root mean square is not."""
    found = detect([[2.0, 2j, -2.0, 2.0], [-2.0, -2j, 2.0, -2.0]], np.ones((1, 4)), few=True, noise=1.0)
    assert found.warnings == ["no mode was found"]
    assert found.noise == pytest.approx(2.0, rel=1e-12)


@pytest.mark.parametrize(("condition", "warned"), [(99.0, False), (101.0, True)])
def test_from_a_condition_number_of_100_on_it_is_warned(condition, warned):
    """Two modes at an angle t: the condition number is 1 / tan(t / 2)."""
    angle = 2 * np.arctan(1 / condition)
    response = np.array([[1.0, 0, 0], [np.cos(angle), np.sin(angle), 0]])
    found = detect(response[0], response)
    assert found.condition == pytest.approx(condition, rel=1e-9)
    assert any("condition number" in text for text in found.warnings) == warned


def test_as_many_chosen_modes_as_microphones_are_too_many():
    with pytest.raises(ValueError, match="2 modes were chosen, 2 microphones are too few for them"):
        detect([1.0, 1j], np.eye(2), few=True, noise=1e-3)
    assert detect([1.0, 1e-9j], np.eye(2), few=True, noise=1e-3).chosen.tolist() == [True, False]


@pytest.mark.parametrize(("second", "chosen"), [(1.2, [0]), (1.5, [0, 1])])
def test_noise_that_is_not_known_is_that_of_the_residual(second, chosen):
    """Orthonormal modes at four microphones, one thing beside them: over two that are left it makes noise sqrt(1/2).

    So the second mode must be above sqrt(1/2) sqrt(2 log(2 * 3)) = 1.34.
    """
    basis = np.exp(2j * np.pi * np.outer(np.arange(4), np.arange(4)) / 4) / 2
    found = detect(3 * basis[0] + second * basis[1] + basis[3], basis[:3], few=True)
    assert np.flatnonzero(found.chosen).tolist() == chosen
    assert found.noise == pytest.approx(np.sqrt((1 + second**2) / 3 if len(chosen) == 1 else 1 / 2), rel=1e-9)
