"""Cases as a torch Dataset: layout, precision, laziness, workers."""

import pickle

import h5py
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Subset

from data.read import Cases, read
from wavenet.fields import INPUTS, PARAMETERS
from wavenet.study import TorchDataset, torch_dataset
from wavenet.study.tasks import tensors

RECIPE = """
task = "{task}"
cases = 12
split = [0.5, 0.25, 0.25]
[source]
m = [0, 1]
helmholtz = [3.0, 5.0]
{more}
"""
GRID = "[grid]\nx = [-1.0, 1.0, 8]\nr = [0.0, 2.0, 6]"
MICROPHONES = "[microphones]\nradius = 6.0\nangle_deg = [0.0, 90.0, 5]"
JET = "modes = [1, 1]\nmach = 0.3\nmach_outer = 0.0\nsound_speed_ratio = 0.8\ndensity_ratio = 1.6"
RECIPES = {
    "derivative": RECIPE.format(task="derivative", more="modes = [1, 2]\n" + GRID),
    "forward": RECIPE.format(task="forward", more=MICROPHONES),
    "jet_derivative": RECIPE.format(task="jet_derivative", more=JET + "\n" + GRID).replace("cases = 12", "cases = 4"),
}


@pytest.fixture(scope="module")
def files(dataset_file):
    return {name: dataset_file(RECIPES[name]) for name in ("derivative", "forward")}


@pytest.mark.parametrize("name", ["derivative", "forward"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_items_are_what_the_networks_are_given(files, name, dtype):
    dataset, file = TorchDataset(files[name], "train", dtype=dtype), read(files[name])
    expected = tensors(file, file.cases("train"))
    assert len(dataset) == len(expected[0])
    for index in range(len(dataset)):
        for found, exact in zip(dataset[index], expected, strict=True):
            assert found.dtype == dtype
            assert torch.equal(found, exact[index].to(dtype)) or name == "forward"
            torch.testing.assert_close(found.double(), exact[index].double(), rtol=1e-6, atol=1e-30)
    assert dataset.names == (PARAMETERS if name == "derivative" else INPUTS)


def test_precision_is_that_which_was_asked_for(files):
    """Of the file, not of a detour through single precision."""
    pressure = TorchDataset(files["forward"], "test", dtype=torch.float64)[0].pressure.numpy()
    np.testing.assert_array_equal(pressure, Cases(files["forward"], "test")[0]["pressure"])
    assert np.any(pressure != pressure.astype("f4"))


def test_a_batch_has_names(files):
    batch = next(iter(DataLoader(TorchDataset(files["derivative"], "train"), batch_size=4)))
    assert [one.shape for one in batch] == [(4, 2, 8, 6), (4, 3), (4, 4, 8, 6)]
    assert batch.velocity is batch[2]


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_workers_read_the_same(files, context):
    dataset = TorchDataset(files["derivative"], "train")
    dataset[0]  # the file is open in this process
    loader = DataLoader(dataset, batch_size=2, num_workers=2, multiprocessing_context=context)
    for found, exact in zip(loader, DataLoader(dataset, batch_size=2), strict=True):
        assert all(map(torch.equal, found, exact))


def test_nothing_is_read_before_it_is_asked_for(files, monkeypatch):
    read_bytes, original = [], h5py.Dataset.__getitem__
    monkeypatch.setattr(
        h5py.Dataset, "__getitem__", lambda self, key: read_bytes.append(self.name) or original(self, key)
    )
    dataset = TorchDataset(files["derivative"], "train")
    assert not {"/potential", "/axial_velocity"} & set(read_bytes)
    dataset[1]
    assert read_bytes.count("/potential") == 1


def test_grid_and_scales_come_with_it(files):
    dataset, file = TorchDataset(files["derivative"], "validation"), read(files["derivative"])
    np.testing.assert_allclose(dataset.x, file["x"], rtol=1e-6)
    np.testing.assert_allclose(dataset.r, file["r"], rtol=1e-6)
    train = file["potential"][file.cases("train")]
    assert dataset.scales["potential"] == pytest.approx(np.sqrt(np.mean(np.sum(train**2, axis=1))), rel=1e-9)


def test_it_is_a_map_style_dataset(files):
    dataset = TorchDataset(files["derivative"], "train")
    again = pickle.loads(pickle.dumps(dataset))
    assert torch.equal(again[-1].potential, dataset[len(dataset) - 1].potential)
    assert torch.equal(Subset(dataset, [2])[0].velocity, dataset[np.int64(2)].velocity)
    assert len(list(dataset)) == len(dataset)
    assert repr(dataset).endswith("data.h5', 'train': 6 cases of the task derivative, torch.float32)")


@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        (6, IndexError, "out of range"),
        (-7, IndexError, "out of range"),
        (1.0, TypeError, "a case is asked for by a whole number, got 1.0"),
        ("a", TypeError, "got 'a'"),
        (slice(0, 2), TypeError, "use torch.utils.data.Subset for more"),
    ],
)
def test_a_case_that_is_not_there_is_refused(files, index, error, message):
    with pytest.raises(error, match=message):
        TorchDataset(files["derivative"], "train")[index]


@pytest.mark.parametrize(
    ("given", "options", "error", "message"),
    [
        ("derivative", {"dtype": torch.float16}, ValueError, "torch.float32 or torch.float64, got torch.float16"),
        ("derivative", {"dtype": "float32"}, ValueError, "got 'float32'"),
        ("derivative", {"dtype": np.float32}, ValueError, "got <class 'numpy.float32'>"),
        ("derivative", {"split": "tests"}, ValueError, "split must be one of train, validation, test, got 'tests'"),
        (3, {}, TypeError, "expected the path of a dataset file, got int"),
        ("no.h5", {}, FileNotFoundError, "no.h5"),
        (__file__, {}, ValueError, "not a readable HDF5 file"),
    ],
)
def test_what_cannot_be_opened_is_refused(files, given, options, error, message):
    with pytest.raises(error, match=message):
        TorchDataset(files.get(given, given), **{"split": "train"} | options)


def test_a_task_without_a_layout_is_refused(files, monkeypatch):
    monkeypatch.delitem(torch_dataset._LAYOUTS, "forward")
    with pytest.raises(ValueError, match=r"is a forward dataset, expected one of .*; data.read.Cases reads every task"):
        TorchDataset(files["forward"], "train")


@pytest.mark.parametrize("task", ["lined_derivative", "lined_forward"])
def test_liners_have_their_parameters(dataset_file, task):
    where = GRID.replace("[-1.0, 1.0, 8]", "[-1.0, 1.0, 6]") if task == "lined_derivative" else MICROPHONES
    more = "modes = [1, 1]\n" * (task == "lined_derivative")
    liner = "[liner]\nresistance = 1.5\nreactance = -0.5\nlength = 0.75\ndistance = 0.5\n"
    text = RECIPE.format(task=task, more=more + liner + where).replace("cases = 12", "cases = 4")
    dataset = TorchDataset(dataset_file(text), "train", dtype=torch.float64)
    values = dict(zip(dataset.names, dataset[0][0 if task == "lined_forward" else 1].tolist(), strict=True))
    assert list(values.values())[-4:] == [1.5, -0.5, 0.75, 0.5]
    assert list(values)[-4:] == ["resistance", "reactance", "liner_length", "liner_distance"]


def test_jets_have_all_their_parameters(dataset_file):
    dataset = TorchDataset(dataset_file(RECIPES["jet_derivative"]), "train", dtype=torch.float64)
    values = dict(zip(dataset.names, dataset[0].parameters.tolist(), strict=True))
    assert (values["mach"], values["mach_outer"], values["density_ratio"]) == (0.3, 0.0, 1.6)
    assert dataset[0].velocity.shape == (4, 8, 6)


def test_lips_have_both_walls_of_all_orders(dataset_file):
    lip = "lip_thickness = 0.125\nlip_aspect = 0.5\n[directions]\ncount = 6"
    path = dataset_file(RECIPE.format(task="lip", more=lip).replace("cases = 12", "cases = 2"))
    dataset, file = TorchDataset(path, "train", dtype=torch.float64), read(path)
    assert dataset.names == (*PARAMETERS, "lip_thickness", "lip_aspect")
    assert dataset[0].inputs.tolist()[-2:] == [0.125, 0.5]
    first = int(file.cases("train")[0])
    for name in ("reflection", "thin_reflection", "directivity", "thin_directivity"):
        np.testing.assert_array_equal(getattr(dataset[0], name).numpy(), file[name][first])
    np.testing.assert_array_equal(dataset.positions["angle"].numpy(), file["angle"])
    assert next(iter(DataLoader(dataset, batch_size=1))).directivity.shape == (1, len(file["order"]), 6, 2)
