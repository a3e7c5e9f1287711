"""The study's MATLAB layout, there and back."""

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from data.convert import from_matlab, to_matlab
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
STUDY = ("rr1", "zz1", "Psi_nf1", "u_nf1", "P_nf1", "x_num", "y_num", "mm", "nn", "Amp_in")


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


def test_there_and_back_is_the_same(files, tmp_path):
    misfit = from_matlab(files[1], tmp_path / "back.h5")
    assert (misfit.pressure, misfit.potential) == (0, 0)
    first, second = read(files[0]), read(tmp_path / "back.h5")
    for name in ("m", "helmholtz", "mach", "amplitude", "potential", "axial_velocity", "radial_velocity", "x", "r"):
        np.testing.assert_array_equal(first[name], second[name])
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

    misfit = from_matlab(strangers(files, tmp_path / "x.mat", rescale), tmp_path / "x.h5")
    assert max(misfit.pressure, misfit.potential, misfit.axial_velocity) < 1e-6
    first, second = read(files[0]), read(tmp_path / "x.h5")
    np.testing.assert_allclose(second["helmholtz"], first["helmholtz"], rtol=1e-10)
    np.testing.assert_allclose(second["mach"], first["mach"], atol=1e-10)
    size = np.linalg.norm(first["radial_velocity"])
    assert np.linalg.norm(second["radial_velocity"] - first["radial_velocity"]) < 1e-6 * size
    orders = second["amplitude"].shape[1]
    np.testing.assert_allclose(second["amplitude"], first["amplitude"][:, :orders], atol=1e-5)


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
        (lambda c: c.update(mm=np.array([[0.5]])), "azimuthal orders"),
        (lambda c: c.update(mm=np.array([["text"]])), "expected numbers"),
        (_conjugate, "other conventions"),
        (_noise, "other conventions|is not"),
    ],
)
def test_what_is_not_the_layout_is_named(files, tmp_path, change, named):
    with pytest.raises(ValueError, match=named):
        from_matlab(strangers(files, tmp_path / "x.mat", change), tmp_path / "x.h5")
    assert not (tmp_path / "x.h5").exists()


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
