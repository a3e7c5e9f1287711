"""The study's MATLAB layout, there and back."""

import numpy as np
import pytest
from scipy.io import loadmat, savemat

import analytic
from data.convert import from_format, matlab, to_format
from data.read import check, read

RECIPE = """
task = "derivative"
cases = 12
[source]
m = [0, 2, -1]
helmholtz = [4.0, 9.0]
mach = [-0.2, 0.3]
modes = [1, 3]
[grid]
x = [-1.0, 1.0, 12]
r = [0.0, 2.0, 10]
"""
FACTORS = """
task = "factor"
cases = 4
[source]
m = [0]
n = [0]
helmholtz = [4.0, 9.0]
[arc]
angles = 6
"""
STUDY = ("rr1", "zz1", "Psi_nf1", "u_nf1", "P_nf1", "x_num", "y_num", "mm", "nn", "Amp_in")


def to_matlab(path, out, **options):
    return to_format(path, out, name="matlab", **options)


def from_matlab(path, out, **options):
    return from_format(path, out, name="matlab", **options)


@pytest.fixture(scope="module")
def files(dataset_file):
    path = dataset_file(RECIPE)
    to_matlab(path, path.with_suffix(".mat"))
    return path, path.with_suffix(".mat")


def test_the_layout_is_that_of_the_study(files):
    """Read as the study's scripts do: rows of points, reshaped to (y_num, x_num)."""
    dataset, content = read(files[0]), loadmat(files[1])
    assert set(STUDY) < set(content)
    shape = int(content["y_num"].item()), int(content["x_num"].item())
    assert shape == (10, 12)
    r, x = (content[name].reshape(shape) for name in ("rr1", "zz1"))
    np.testing.assert_array_equal(r[:, 0], dataset["r"])
    np.testing.assert_array_equal(x[0], dataset["x"])
    case = 5
    psi = content["Psi_nf1"][case].reshape(shape)
    np.testing.assert_array_equal(psi.real, dataset["potential"][case, 0].T)
    np.testing.assert_array_equal(psi.imag, dataset["potential"][case, 1].T)
    ka, mach = dataset["helmholtz"][case], dataset["mach"][case]
    np.testing.assert_allclose(content["P_nf1"][case], (1j * ka * psi).ravel() - mach * content["u_nf1"][case])
    assert content["mm"].ravel().tolist() == dataset["m"].tolist()
    highest = [max(n for n, a in enumerate(row) if np.any(a)) for row in dataset["amplitude"]]
    assert content["nn"].ravel().tolist() == highest
    assert any(np.all(row[0] == 0) or n > 0 for n, row in zip(highest, dataset["amplitude"], strict=True))


def test_there_and_back_is_the_same(files, tmp_path):
    found = from_matlab(files[1], tmp_path / "back.h5")
    assert (found.cases, found.unchanged, found.misfit) == (12, True, {})
    first, second = read(files[0]), read(tmp_path / "back.h5")
    assert second.arrays.keys() == first.arrays.keys()
    for name, values in first.arrays.items():
        np.testing.assert_array_equal(second[name], values, err_msg=name)
    assert second.about == first.about  # with its splits, provenance and statistics
    assert check(tmp_path / "back.h5")["cases"] == 12


def strangers(files, path, change=lambda content: None):
    """A file with the study's variables alone."""
    content = {name: value for name, value in loadmat(files[1]).items() if name in STUDY}
    change(content)
    savemat(path, content)
    return path


def test_a_strangers_file_gets_what_it_lacks_from_the_solver(files, tmp_path):
    def rescale(content):  # amplitudes as somebody else counts them
        content["Amp_in"] = content["Amp_in"] * 7

    found = from_matlab(strangers(files, tmp_path / "x.mat", rescale), tmp_path / "x.h5")
    assert found.misfit.keys() == {"pressure", "potential", "axial_velocity"}
    assert max(found.misfit.values()) < 1e-6
    first, second = read(files[0]), read(tmp_path / "x.h5")
    np.testing.assert_allclose(second["helmholtz"], first["helmholtz"], rtol=1e-10)
    np.testing.assert_allclose(second["mach"], first["mach"], atol=1e-10)
    size = np.linalg.norm(first["radial_velocity"])
    assert np.linalg.norm(second["radial_velocity"] - first["radial_velocity"]) < 1e-6 * size
    orders = second["amplitude"].shape[1]
    np.testing.assert_allclose(second["amplitude"], first["amplitude"][:, :orders], atol=1e-5)
    assert check(tmp_path / "x.h5")["cases"] == 12


def _conjugate(content):
    for name in ("Psi_nf1", "u_nf1", "P_nf1"):
        content[name] = content[name].conj()


def _noise(content):
    content["Psi_nf1"] = content["Psi_nf1"] * (
        1 + 0.01 * np.random.default_rng(0).normal(size=content["Psi_nf1"].shape)
    )
    content["u_nf1"] = np.zeros_like(content["u_nf1"])
    content["P_nf1"] = 5j * content["Psi_nf1"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda c: c.pop("mm"), "mm is missing"),
        (lambda c: c.update(x_num=11), "rr1 has shape"),
        (lambda c: c.update(rr1=c["zz1"]), "no tensor grid|must increase"),
        (lambda c: c.update(Psi_nf1=c["Psi_nf1"][:, :-1]), "Psi_nf1 has shape"),
        (lambda c: c["u_nf1"].__setitem__((0, 0), np.nan), "u_nf1 has shape"),
        (lambda c: c.update(mm=np.array([[0.5]])), "mm must be whole numbers, got 0.5"),
        (lambda c: c.update(mm=np.array([["text"]])), "expected numbers"),
        (_conjugate, "other conventions"),
        (_noise, "other conventions|is not"),
    ],
)
def test_what_is_not_the_layout_is_named(files, tmp_path, change, named):
    with pytest.raises(ValueError, match=named):
        from_matlab(strangers(files, tmp_path / "x.mat", change), tmp_path / "x.h5")
    assert not (tmp_path / "x.h5").exists()


def test_potentials_that_no_modes_have_are_refused(files, tmp_path):
    """Noise on the potential, with the pressure to match; the velocity stays that of the modes found."""

    def disturb(content):
        rng, helmholtz = np.random.default_rng(0), read(files[0])["helmholtz"]
        psi = content["Psi_nf1"]
        noise = 5e-3 * np.abs(psi).mean() * rng.normal(size=psi.shape)
        content["Psi_nf1"] = psi + noise
        content["P_nf1"] = content["P_nf1"] + 1j * helmholtz.reshape(-1, *[1] * (psi.ndim - 1)) * noise

    with pytest.raises(ValueError, match=r"not a Wiener.Hopf field"):
        from_matlab(strangers(files, tmp_path / "x.mat", disturb), tmp_path / "x.h5")


def test_bad_files(files, tmp_path):
    (tmp_path / "x.mat").write_bytes(b"MATLAB 5.0 MAT-file" + bytes(200))
    with pytest.raises(ValueError, match="not a MATLAB file"):
        from_matlab(tmp_path / "x.mat", tmp_path / "x.h5")
    with pytest.raises(FileNotFoundError):
        from_matlab(tmp_path / "none.mat", tmp_path / "x.h5")
    with pytest.raises(FileExistsError):
        from_matlab(files[1], files[0])
    with pytest.raises(FileExistsError):
        to_matlab(files[0], files[1])
    with pytest.raises(ValueError, match="split must be"):
        to_matlab(files[0], tmp_path / "y.mat", split="nowhere")
    assert to_matlab(files[0], tmp_path / "y.mat", split="test")["cases"] == 1
    content = (tmp_path / "y.mat").read_bytes()
    for cut in (10, 200, len(content) // 2, len(content) - 20):
        (tmp_path / "cut.mat").write_bytes(content[:cut])
        with pytest.raises(ValueError, match="not a MATLAB file"):
            from_matlab(tmp_path / "cut.mat", tmp_path / "z.h5")


def few(content, cases=2):
    """The first cases alone."""
    for name in ("Psi_nf1", "u_nf1", "P_nf1", "mm", "nn", "Amp_in"):
        content[name] = content[name][:cases]


def test_the_other_columns_are_those_of_the_dataset(files):
    dataset, content = read(files[0]), loadmat(files[1])
    amplitudes = dataset["amplitude"] @ [1, 1j]
    np.testing.assert_array_equal(content["Amp_in"], amplitudes)
    assert content["nn"].ravel().tolist() == [np.flatnonzero(row)[-1] for row in amplitudes]
    assert content["ka"].ravel().tolist() == dataset["helmholtz"].tolist()
    assert content["Mach"].ravel().tolist() == dataset["mach"].tolist()
    for name, field in (("u_nf1", "axial_velocity"), ("v_nf1", "radial_velocity")):
        stored = np.moveaxis(dataset[field], 1, -1) @ [1, 1j]
        np.testing.assert_array_equal(content[name].reshape(12, 10, 12), stored.transpose(0, 2, 1))


def test_misfits_are_those_of_the_fit_and_are_stored(files, tmp_path):
    """Noise of known size in Psi, u too large by a known factor; ka and M are given."""
    noise, size, factor = np.random.default_rng(1).normal(size=(1, 120, 2)) @ [1, 1j], 2e-5, 1 + 4e-5
    exact = loadmat(files[1])
    ka, mach = exact["ka"][0].item(), exact["Mach"][0].item()
    noise *= size * np.linalg.norm(exact["Psi_nf1"][0]) / np.linalg.norm(noise)

    def alter(content):
        few(content, 1)
        content["Psi_nf1"] = content["Psi_nf1"] + noise
        content["u_nf1"] = content["u_nf1"] * factor

    path = strangers(files, tmp_path / "x.mat", alter)
    misfit = from_matlab(path, tmp_path / "x.h5", helmholtz=ka, mach=mach, shares=(1.0, 0.0, 0.0)).misfit
    dataset = read(tmp_path / "x.h5")
    # at most three modes are fitted to 120 points: they take up about 3/120 of the noise's square
    assert misfit["potential"] == pytest.approx(size, rel=0.03)
    assert dataset["error_estimate"].tolist() == [misfit["potential"]]
    assert misfit["axial_velocity"] == pytest.approx(4e-5, rel=0.2)
    gap = 1j * ka * noise - mach * (factor - 1) * exact["u_nf1"][:1]
    assert misfit["pressure"] == pytest.approx(np.linalg.norm(gap) / np.linalg.norm(exact["P_nf1"][:1]), rel=1e-6)
    assert f"relative misfits {misfit}" in dataset.provenance["recipe"]
    assert dataset.provenance["recipe"].startswith("converted from x.mat; ")
    assert dataset.provenance["seed"] == 0


@pytest.mark.parametrize("given", [{"helmholtz": 5.0}, {"mach": 0.0}, {"helmholtz": 5.0, "mach": 0.0}])
def test_a_value_that_is_given_is_used_and_refused_where_it_does_not_fit(files, tmp_path, given):
    with pytest.raises(ValueError, match=r"P_nf1 is not i ka Psi_nf1 - M u_nf1"):
        from_matlab(files[1], tmp_path / "x.h5", **given)


def test_a_value_that_is_given_and_fits_is_kept(files, tmp_path):
    dataset = read(files[0])
    ka, mach = dataset["helmholtz"][0].item(), dataset["mach"][0].item()
    path = strangers(files, tmp_path / "x.mat", lambda content: few(content, 1))
    from_matlab(path, tmp_path / "x.h5", helmholtz=ka, mach=mach, shares=(1.0, 0.0, 0.0))
    found = read(tmp_path / "x.h5")
    assert (found["helmholtz"].item(), found["mach"].item()) == (ka, mach)


def test_cases_are_dealt_by_shares_and_seed(files, tmp_path):
    splits = {}
    for seed in (0, 0, 1):
        path = tmp_path / f"{len(splits)}-{seed}.h5"
        from_matlab(files[1], path, shares=(0.5, 0.25, 0.25), seed=seed)
        dataset = read(path)
        assert np.bincount(dataset["split"]).tolist() == [6, 3, 3]
        splits.setdefault(seed, []).append(dataset["split"].tolist())
        path.unlink()
    assert splits[0][0] == splits[0][1] != splits[1][0]


def test_a_converted_file_has_the_statistics_of_its_training_cases(files, tmp_path):
    from_matlab(files[1], tmp_path / "x.h5", shares=(0.5, 0.25, 0.25))
    dataset = read(tmp_path / "x.h5")
    assert dataset.about.missing == ()
    for name, (rms, largest) in dataset.about.scales.items():
        field = dataset[name][dataset["split"] == 0]
        assert rms == pytest.approx(np.sqrt(np.mean(np.hypot(field[:, 0], field[:, 1]) ** 2)), rel=1e-12)
        assert largest == np.abs(field).max()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda c: c.update(mm=np.array([[0, 1, 2]])), "mm has shape"),
        (lambda c: c.update(mm=np.array([[1001.0]])), "azimuthal orders"),
        (lambda c: c.update(mm=np.array([[40.0]])), "no mode of case 0 is cut on, m = 40"),
        (lambda c: c.update(x_num=1.5), "x_num and y_num must be whole numbers of at least 2"),
        (lambda c: c.update(x_num=1), "x_num and y_num must be whole numbers of at least 2"),
        (lambda c: c.update(rr1=c["rr1"] - 1), "r be at least 0"),
        (lambda c: c.update(zz1=-c["zz1"]), "must increase"),
        (lambda c: c.update(zz1=c["zz1"] + 1j), "zz1 has shape"),
        (lambda c: c["u_nf1"].__imul__(1.01), "P_nf1 is not|is not a Wiener–Hopf field"),
        (lambda c: c["Psi_nf1"].__imul__(-1) is c["P_nf1"].__imul__(1), "other conventions"),
        (lambda c: c.update(mm=c["mm"] + 1), "is not a Wiener–Hopf field, relative misfit"),
    ],
)
def test_other_content_is_refused(files, tmp_path, change, fault):
    def alter(content):
        few(content)
        change(content)

    with pytest.raises(ValueError, match=fault):
        from_matlab(strangers(files, tmp_path / "x.mat", alter), tmp_path / "x.h5")
    assert not (tmp_path / "x.h5").exists()


def test_velocities_that_are_not_those_of_the_potential_are_refused(files, tmp_path):
    """P agrees with the wrong u, so that ka and M fit."""

    def alter(content):
        dataset = read(files[0])
        few(content)
        content["u_nf1"] = content["u_nf1"] * 1.01
        ka, mach = dataset["helmholtz"][:2, None], dataset["mach"][:2, None]
        content["P_nf1"] = 1j * ka * content["Psi_nf1"] - mach * content["u_nf1"]

    with pytest.raises(ValueError, match=r"is not a Wiener–Hopf field, .* and 9\.9e-03 of u_nf1"):
        from_matlab(strangers(files, tmp_path / "x.mat", alter), tmp_path / "x.h5")


def test_parameters_that_fit_but_cannot_be_are_refused(files, tmp_path):
    """P of a supersonic flow, with which ka and M fit exactly."""

    def alter(content):
        few(content)
        content["P_nf1"] = 5j * content["Psi_nf1"] - 1.5 * content["u_nf1"]

    with pytest.raises(ValueError, match=r"x\.mat: case 0 has ka = 5, M = 1\.5: other conventions\?"):
        from_matlab(strangers(files, tmp_path / "x.mat", alter), tmp_path / "x.h5")


def test_low_frequencies_and_single_numbers_for_all_cases_are_taken(tmp_path):
    """A plane wave at ka = 0.4; mm is one number for both cases."""
    x, r = np.linspace(-0.9, 0.8, 5), np.linspace(0.1, 1.7, 4)
    field = analytic.solve(analytic.DuctMode(0, 0, 0.4, -0.1)).field(x, r)
    rows = {
        name: np.stack([value.T.ravel(), 2j * value.T.ravel()])
        for name, value in (("Psi_nf1", field.potential), ("u_nf1", field.axial_velocity), ("P_nf1", field.pressure))
    }
    grid = {"rr1": np.repeat(r, 5)[None], "zz1": np.tile(x, 4)[None], "x_num": 5, "y_num": 4}
    savemat(tmp_path / "x.mat", rows | grid | {"mm": 0, "nn": 0, "Amp_in": np.ones((2, 1))})
    from_matlab(tmp_path / "x.mat", tmp_path / "x.h5")
    found = read(tmp_path / "x.h5")
    np.testing.assert_allclose(found["helmholtz"], 0.4, rtol=1e-10)
    np.testing.assert_allclose(found["mach"], -0.1, rtol=1e-9)
    np.testing.assert_allclose(found["amplitude"][:, 0] @ [1, 1j], [1, 2j], rtol=1e-6)
    np.testing.assert_allclose(
        found["radial_velocity"][0, 0], field.radial_velocity.real, atol=1e-6 * np.abs(field.radial_velocity).max()
    )


def test_misfits_are_the_largest_of_all_cases(files, tmp_path):
    """Two cases, of which the first does not fit quite, the second does."""

    def alter(content):
        few(content)
        content["u_nf1"][0] *= 1 + 4e-5
        content["Psi_nf1"][0, ::7] *= 1 + 1e-5

    misfit = from_matlab(strangers(files, tmp_path / "x.mat", alter), tmp_path / "x.h5").misfit
    errors = read(tmp_path / "x.h5")["error_estimate"]
    assert errors[1] < 0.1 * errors[0]
    assert misfit["potential"] == errors[0]
    assert misfit["axial_velocity"] > 1e-5
    assert misfit["pressure"] > 1e-7


def test_own_files_with_other_amplitudes_are_refused(files, tmp_path):
    content = {name: value for name, value in loadmat(files[1]).items() if name[0] != "_"}
    savemat(tmp_path / "x.mat", content | {"Amp_in": content["Amp_in"][:-1]})
    with pytest.raises(ValueError, match=r"Amp_in has shape \(11, \d\), expected \(12, orders\)"):
        from_matlab(tmp_path / "x.mat", tmp_path / "x.h5")


def test_sizes_are_checked_before_anything_is_read_or_written(files, tmp_path, monkeypatch):
    monkeypatch.setattr(matlab, "_LARGEST", 16 * 120 * 12 - 1)
    with pytest.raises(ValueError, match=r"Psi_nf1 has 23040 bytes, too many .* choose a split or the format matlab73"):
        to_matlab(files[0], tmp_path / "x.mat")
    to_matlab(files[0], tmp_path / "x.mat", split="train")
    monkeypatch.setattr(matlab, "_EXPANSION", 0.01)
    with pytest.raises(ValueError, match=r"declares the shape .*, more than the file can hold"):
        from_matlab(tmp_path / "x.mat", tmp_path / "x.h5")


def test_a_split_without_cases_and_another_task(files, tmp_path, file_of):
    path = file_of(RECIPE.replace("cases = 12", "cases = 2\nsplit = [1.0, 0.0, 0.0]"))
    with pytest.raises(ValueError, match="has no test cases"):
        to_matlab(path, tmp_path / "x.mat", split="test")
    with pytest.raises(ValueError, match="datasets of the task derivative, got the task factor"):
        to_matlab(file_of(FACTORS), tmp_path / "x.mat")


@pytest.mark.parametrize(("misfit", "taken"), [(0.9e-3, True), (1.1e-3, False)])
def test_misfits_are_taken_up_to_a_thousandth(files, tmp_path, misfit, taken):
    """P agrees with the wrong u, so that ka and M fit."""

    def alter(content):
        dataset = read(files[0])
        few(content, 1)
        content["u_nf1"] = content["u_nf1"] / (1 - misfit)
        ka, mach = dataset["helmholtz"][:1, None], dataset["mach"][:1, None]
        content["P_nf1"] = 1j * ka * content["Psi_nf1"] - mach * content["u_nf1"]

    path, out = strangers(files, tmp_path / "x.mat", alter), tmp_path / "x.h5"
    if taken:
        assert from_matlab(path, out).misfit["axial_velocity"] == pytest.approx(misfit, rel=1e-2)
    else:
        with pytest.raises(ValueError, match=r"is not a Wiener–Hopf field, .* and 1\.1e-03 of u_nf1"):
            from_matlab(path, out)


@pytest.mark.parametrize(("misfit", "taken"), [(0.9e-3, True), (1.1e-3, False)])
def test_pressures_are_taken_up_to_a_thousandth(files, tmp_path, misfit, taken):
    """Of P, what is orthogonal to Psi and u fits no ka and M."""

    def alter(content):
        few(content, 1)
        basis = np.stack([1j * content["Psi_nf1"][0], content["u_nf1"][0]], axis=1)
        parts, p = np.concatenate([basis.real, basis.imag]), content["P_nf1"][0]
        noise = np.random.default_rng(0).normal(size=2 * len(p))
        noise -= parts @ np.linalg.lstsq(parts, noise, rcond=None)[0]
        size = misfit * np.linalg.norm(p) / np.sqrt(1 - misfit**2) / np.linalg.norm(noise)
        content["P_nf1"] = content["P_nf1"] + size * (noise[: len(p)] + 1j * noise[len(p) :])

    path, out = strangers(files, tmp_path / "x.mat", alter), tmp_path / "x.h5"
    if taken:
        assert from_matlab(path, out).misfit["pressure"] == pytest.approx(misfit, rel=1e-6)
    else:
        with pytest.raises(ValueError, match=r"P_nf1 is not i ka Psi_nf1 .* relative misfit 1\.1e-03"):
            from_matlab(path, out)


def test_a_negative_frequency_that_fits_is_refused(files, tmp_path):
    def alter(content):
        few(content)
        content["P_nf1"] = -0.5j * content["Psi_nf1"] - 0.2 * content["u_nf1"]

    with pytest.raises(ValueError, match=r"case 0 has ka = -0\.5, M = 0\.2: other conventions\?"):
        from_matlab(strangers(files, tmp_path / "x.mat", alter), tmp_path / "x.h5")


def test_a_variable_may_take_as_much_memory_as_compression_can_save(files, tmp_path, monkeypatch):
    """16 bytes for each of 12 cases at 120 points."""
    limit = 16 * 12 * 120 / files[1].stat().st_size
    monkeypatch.setattr(matlab, "_EXPANSION", limit * (1 - 1e-9))
    with pytest.raises(ValueError, match=r"Psi_nf1 declares the shape \(12, 120\), more than the file can hold"):
        from_matlab(files[1], tmp_path / "x.h5")
    monkeypatch.setattr(matlab, "_EXPANSION", limit * (1 + 1e-9))
    from_matlab(files[1], tmp_path / "x.h5")


def of_files(files, path, change):
    """One of our own files, with a change."""
    content = {name: value for name, value in loadmat(files[1]).items() if name[0] != "_"}
    change(content)
    savemat(path, content)
    return path


def _scaled(name, factor, case=3):
    def change(content):
        content[name] = content[name].astype(complex if np.iscomplexobj(content[name]) else float)
        content[name][case] *= factor

    return change


def _pressures_of(**values):
    """Parameters with the pressures to match."""

    def change(content):
        for name, value in values.items():
            content[name][3] = value
        content["P_nf1"] = 1j * content["ka"] * content["Psi_nf1"] - content["Mach"] * content["u_nf1"]

    return change


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (_scaled("ka", 2), r"P_nf1 of case 3 is not i ka Psi_nf1 - M u_nf1 with ka = .*: relative misfit \d\.\de"),
        (_scaled("ka", -1), r"P_nf1 of case 3 is not i ka Psi_nf1 - M u_nf1 with ka = -"),
        (_pressures_of(ka=-3.0), r"helmholtz holds the value -3\.0, which is out of range"),
        (_pressures_of(ka=75.0), r"case 3 has helmholtz = 75\.0: .* 60"),
        (_pressures_of(Mach=1.5), r"mach holds the value 1\.5, which is out of range"),
        (_pressures_of(Mach=0.99), r"case 3 has mach = 0\.99: .* 0\.9"),
        (
            _pressures_of(ka=7.0),
            r"case 3 is not the solution for its parameters and amplitudes: .* potential \d\.\de[+-]0",
        ),
        (_pressures_of(Mach=0.25), "case 3 is not the solution"),
        (_scaled("v_nf1", 1.002), r"case 3 is not the solution .* radial_velocity 2\.0e-03, expected less than 0\.001"),
        (_scaled("Amp_in", 0), "all amplitudes of case 3 are zero"),
        (_scaled("Amp_in", 1.002), r"case 3 is not the solution .* potential 2\.0e-03, axial_velocity 2\.0e-03"),
        (lambda c: c["mm"].__setitem__(3, 50), r"case 3 has m = 50: .* 40"),
        (lambda c: c["mm"].__setitem__(3, 9), "case 3 is not the solution"),
        (lambda c: c.update(case=c["case"] + 0.5), "case must be whole numbers, got 0.5"),
        (lambda c: c.update(split=c["split"] + 3), "split holds the value"),
        (lambda c: c.update(origin="{}"), "origin is not as it was written"),
        (lambda c: c.update(origin=c["origin"].item().replace("derivative", "derived")), "unknown task 'derived'"),
    ],
)
def test_own_files_that_were_changed_are_checked_like_others(files, tmp_path, change, fault):
    path = of_files(files, tmp_path / "x.mat", change)
    with pytest.raises(ValueError, match=fault):
        from_matlab(path, tmp_path / "x.h5")
    assert not (tmp_path / "x.h5").exists()


def test_small_changes_are_taken_and_count_among_the_errors(files, tmp_path):
    path = of_files(files, tmp_path / "x.mat", _scaled("v_nf1", 1 + 3e-5))
    found, before = from_matlab(path, tmp_path / "x.h5"), read(files[0])
    assert not found.unchanged
    assert found.misfit["radial_velocity"] == pytest.approx(3e-5, rel=1e-3)
    dataset = read(tmp_path / "x.h5")
    assert dataset["split"].tolist() == before["split"].tolist()
    assert dataset["error_estimate"][3] == found.misfit["radial_velocity"]
    rest = np.arange(12) != 3
    assert np.all(dataset["error_estimate"][rest] == before["error_estimate"][rest])
    assert dataset.provenance["recipe"].startswith("converted from x.mat; relative misfits {'potential'")
    assert dataset.provenance["commit"] == "unknown"
    assert check(tmp_path / "x.h5")["cases"] == 12


def test_complete_files_of_others_are_checked_and_dealt(files, tmp_path):
    """v, ka and Mach without an origin, and no splits."""

    def forget(content):
        for name in ("origin", "case", "group", "split", "error_estimate"):
            del content[name]

    found = from_matlab(of_files(files, tmp_path / "x.mat", forget), tmp_path / "x.h5")
    assert not found.unchanged
    assert max(found.misfit.values()) < 1e-9  # the solver's own fields
    dataset = read(tmp_path / "x.h5")
    assert np.bincount(dataset["split"]).tolist() == [10, 1, 1]
    assert np.all(dataset["error_estimate"] == 1e-6)  # the tolerance of the solver


def test_a_split_goes_there_and_back(files, tmp_path):
    to_matlab(files[0], tmp_path / "x.mat", split="train")
    assert from_matlab(tmp_path / "x.mat", tmp_path / "x.h5").unchanged
    first, second = read(files[0]), read(tmp_path / "x.h5")
    assert second["case"].tolist() == first["case"][first.cases("train")].tolist()
    assert set(second["split"]) == {0}
