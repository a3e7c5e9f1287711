"""PyTorch's format of datasets, there and back."""

import inspect
import pickle

import numpy as np
import pytest
import torch

from data import tasks
from data.convert import FORMATS as OTHERS
from data.convert import from_format, to_format
from data.read import read
from wavenet.cli.convert import convert
from wavenet.study.conversion import FORMATS

RECIPE = """
task = "factor"
cases = 4
[source]
m = [0, 2]
n = [0]
helmholtz = [4.0, 9.0]
[arc]
angles = 6
"""


@pytest.fixture(scope="module")
def files(dataset_file):
    path = dataset_file(RECIPE)
    said = to_format(path, path.with_suffix(".pt"), formats=FORMATS)
    assert (said["format"], said["cases"]) == ("pt", 4)
    return path, path.with_suffix(".pt")


def test_the_file_is_a_dictionary_of_tensors(files):
    found, dataset = torch.load(files[1], weights_only=True), read(files[0])
    assert set(found) == {*tasks.get("factor").variables, "origin"}
    for name, values in dataset.arrays.items():
        assert found[name].dtype == (torch.int64 if values.dtype.kind == "i" else torch.float64)
        np.testing.assert_array_equal(found[name].numpy(), values)


def test_there_and_back_is_the_same(files, tmp_path):
    assert from_format(files[1], tmp_path / "x.h5", formats=FORMATS).unchanged
    first, second = read(files[0]), read(tmp_path / "x.h5")
    assert second.about == first.about
    assert first.arrays.keys() == second.arrays.keys()
    for name, values in first.arrays.items():
        np.testing.assert_array_equal(second[name], values)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda found: found.pop("origin"), "was not written by wavenet convert: the text origin is missing"),
        (lambda found: found.pop("hub"), "the tensor hub is missing"),
        (lambda found: found.update(hub=0.0), "the tensor hub is missing"),
        (lambda found: found.update(hub=torch.zeros(4).to_sparse()), "the tensor hub is missing"),
        (
            lambda found: found.update(hub=torch.zeros(1).double().expand(2**40)),
            r"hub has the shape \(1099511627776,\)",
        ),
        (lambda found: found.update(m=torch.zeros(4)), "m is float32 with shape"),
        (lambda found: found["factor"].mul_(1.002), r"x\.pt: case \d is not the solution .* factor 2\.0e-03"),
        (lambda found: found["helmholtz"].mul_(-1), "helmholtz holds the value -"),
    ],
)
def test_changed_tensors_are_refused_by_name(files, tmp_path, change, named):
    found = torch.load(files[1], weights_only=True)
    change(found)
    torch.save(found, tmp_path / "x.pt")
    with pytest.raises(ValueError, match=named):
        from_format(tmp_path / "x.pt", tmp_path / "x.h5", formats=FORMATS)
    assert not (tmp_path / "x.h5").exists()


def test_other_files_are_refused(files, tmp_path):
    whole = files[1].read_bytes()
    contents = {"cut": whole[: len(whole) // 2], "empty": b"", "pickle": pickle.dumps(print), "text": b"{}"}
    for name, content in contents.items():
        (tmp_path / f"{name}.pt").write_bytes(content)
        with pytest.raises(ValueError, match=rf"{name}\.pt is not a readable file of tensors"):
            from_format(tmp_path / f"{name}.pt", tmp_path / "x.h5", formats=FORMATS)
    torch.save(print, tmp_path / "function.pt")
    with pytest.raises(ValueError, match=r"function\.pt is not a readable file of tensors: Weights only load failed"):
        from_format(tmp_path / "function.pt", tmp_path / "x.h5", formats=FORMATS)
    torch.save([1], tmp_path / "list.pt")
    with pytest.raises(ValueError, match="the text origin is missing"):
        from_format(tmp_path / "list.pt", tmp_path / "x.h5", formats=FORMATS)
    with pytest.raises(FileNotFoundError, match=r"there is no file .*none\.pt"):
        from_format(tmp_path / "none.pt", tmp_path / "x.h5", formats=FORMATS)


def test_the_table_has_all_other_formats():
    assert list(FORMATS) == [*OTHERS, "pt"]


def test_the_help_names_every_format():
    text = inspect.signature(convert, eval_str=True).parameters["name"].annotation.__metadata__[0].help
    for name, one in FORMATS.items():
        assert f"{name} ({one.suffix or 'a folder'}" in text or f"{name} (the same" in text, name
