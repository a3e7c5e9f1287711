"""The Python door: compare, attribute and train as functions of runs, networks and files."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from data.read import read
from wavenet import networks, outside
from wavenet.study import attribute, compare, train
from wavenet.study.tables import Table

from .studies import DERIVATIVE, Off, pressures

# Lightning and torch warn about workers, devices and each other.
pytestmark = pytest.mark.filterwarnings("ignore")


class Fields(nn.Module):
    """A user's network: one convolution, in single precision, with dropout that is off in evaluation."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.layers = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.Dropout(0.5))

    def forward(self, potential, parameters):
        return self.layers(potential)


class Wrong(nn.Module):
    """A network that returns the same whatever it is given."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def forward(self, potential, parameters):
        return self.answer(potential)


@pytest.fixture(scope="module")
def fields(dataset_file):
    return dataset_file(DERIVATIVE)


@pytest.fixture
def trained(fields, tmp_path, monkeypatch):
    monkeypatch.setitem(outside.PRESETS, "quick", networks.Preset(2, 4, 1e-2, 9, 0))
    return train("derivative", fields, tmp_path / "run", model=Fields)


def test_a_run_a_network_and_what_train_returned_are_compared_alike(fields, trained):
    every = {"run": trained.weights.parent, "network": trained.network, "trained": trained}
    found = compare(every, fields, model=Fields)
    data = read(fields)
    cases = data.cases("test")
    with torch.no_grad():
        mine = trained.network(torch.from_numpy(data["potential"][cases]).float(), torch.ones(1)).double().numpy()
    exact = np.concatenate([data["axial_velocity"][cases], data["radial_velocity"][cases]], axis=1)
    expected = np.linalg.norm((mine - exact)[:, :2].reshape(len(cases), -1), axis=1)
    expected /= np.linalg.norm(exact[:, :2].reshape(len(cases), -1), axis=1)
    for name in every:
        np.testing.assert_allclose(found[name].errors[name]["u"], expected, rtol=1e-6)
    assert found["run"].same_dataset
    assert found["trained"].same_dataset
    assert not found["network"].same_dataset  # it does not say what it was trained on
    assert [one.network for one in found] == list(every)


def test_networks_of_the_same_name_are_told_apart(fields, trained):
    run = trained.weights.parent
    names = [one.network for one in compare([run, run, Fields(), "derivative"], fields, model=Fields)]
    assert names == [f"Fields ({run}) 1", f"Fields ({run}) 2", "Fields (the Fields in memory)", "constrained"]


def test_the_table_has_the_networks_first_and_each_method_once(fields, trained):
    found = compare([trained, "derivative"], fields)
    table = found.table()
    assert table.head[:4] == ("method", "u, median", "u, 95 %", "u, worst")
    methods = [row[0] for row in table.rows]
    assert methods[:2] == ["Fields", "constrained"]
    assert sorted(methods[2:]) == sorted({*found[0].errors} - {"Fields"})
    for row in table.rows[:2]:
        assert row[1] == pytest.approx(np.median(found[row[0]].errors[row[0]]["u"]), rel=1e-12)
    assert found[1].errors["wave stencils"]["u"].tolist() == found[0].errors["wave stencils"]["u"].tolist()


def test_a_report_of_several_networks_has_each_of_them(fields, trained, tmp_path, check_page):
    found = compare({"<first>": trained, "second": "derivative"}, fields)
    written = found.write(tmp_path / "new" / "report")
    text = written.read_text(encoding="utf-8")
    check_page(text)
    assert "<h2>&lt;first&gt;</h2>" in text
    assert text.count("<figure>") == 6
    assert text.count("class=network") == 2
    assert "“second” has the smallest median error of u" in text
    assert json.loads((tmp_path / "new" / "report" / "metrics.json").read_text()).keys() == {"<first>", "second"}


def test_a_report_of_one_network_is_that_of_the_command(fields, trained, tmp_path, check_page):
    compare(trained, fields).write(tmp_path)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    check_page(text)
    assert "Network “Fields” against the Wiener–Hopf solution" in text
    assert json.loads((tmp_path / "metrics.json").read_text())["model"] == "Fields"


def test_a_network_is_evaluated_and_left_as_it_was(fields):
    model = Fields().train()
    model.layers[0].eval()
    once, again = (compare(model, fields)[0].errors["Fields"]["u"] for _ in range(2))
    assert once.tolist() == again.tolist()  # without dropout
    attribute(model, fields)
    assert (model.training, model.layers[0].training, model.layers[1].training) == (True, False, True)


def test_another_split_and_a_dataset_in_memory_are_compared(fields):
    data = read(fields)
    found = compare(Fields(), data, split="train")
    assert found[0].cases.tolist() == data.cases("train").tolist()
    assert found.data == f"a dataset in memory ({data.provenance['recipe_name']})"


def test_the_exact_solution_has_no_error(fields):
    data = read(fields)
    cases = data.cases("test")
    exact = np.concatenate([data["axial_velocity"][cases], data["radial_velocity"][cases]], axis=1)
    assert compare(Off(exact, np.zeros(len(cases))), data)[0].errors["Off"]["u"].max() < 1e-12


def test_outputs_are_attributed(fields, trained, tmp_path):
    found = attribute(trained, fields, 3, at=(0.1, 1.0))
    again = attribute(trained.weights.parent, fields, 3, at=(0.1, 1.0), model=Fields)
    assert [one.quantity for one in found] == ["u", "v"]
    np.testing.assert_array_equal(found["u"].relevance, again["u"].relevance)
    assert found["u"].relevance.sum() == pytest.approx(found["u"].value - found["u"].leak, rel=1e-5)
    assert found.worst_miss < 1e-6
    assert found.table().rows[0][1] == found[0].value
    written = found.write(tmp_path / "a" / "b")
    assert json.loads(written.read_text())["outputs"][0]["value"] == found["u"].value
    assert (written.parent / "relevance_v.png").stat().st_size > 1000
    assert attribute(trained, fields, 3, method="chance").worst_miss is None


def test_results_show_themselves_in_a_line_or_a_table(fields, trained):
    found = compare(trained, fields)
    assert repr(found).splitlines()[0] == f"relative L2 errors of 3 cases of {fields}"
    assert repr(found).endswith(str(found.table()))
    assert repr(found[0]).startswith("The network “Fields”")
    relevance = attribute(trained, fields, 3)
    assert repr(relevance).splitlines()[0] == "rap of Fields, case 3"
    assert len(repr(relevance).splitlines()) == 4
    assert "content_hash" not in repr(trained)


def test_the_door_is_light():
    program = "import sys, wavenet.study; print('torch' in sys.modules, wavenet.study.compare.__name__)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "compare"]


def test_a_table_is_text_markdown_and_records():
    table = Table(("method", "u", "cases"), (("net", 2.04e-7, 3), ("a|b", None, 12)))
    assert str(table).splitlines() == ["method        u  cases", "net     2.0e-07      3", "a|b                 12"]
    assert table.markdown().splitlines()[2:] == ["| net | 2.0e-07 | 3 |", "| a∣b |  | 12 |"]
    assert table.records()[0] == {"method": "net", "u": 2.04e-7, "cases": 3}


@pytest.mark.parametrize(
    ("trained", "options", "error", "message"),
    [
        (Fields, {}, TypeError, "got the class Fields"),
        (None, {}, TypeError, "got NoneType"),
        (3, {}, TypeError, "what `train` returned; got int"),
        ([], {}, ValueError, "there is no network to compare"),
        ({}, {}, ValueError, "there is no network to compare"),
        ({1: "derivative"}, {}, TypeError, "name must be a text, got 1"),
        ({" ": "derivative"}, {}, TypeError, "name must be a text, got ' '"),
        ({"wave stencils": "derivative"}, {}, ValueError, "'wave stencils', which is the name of another method"),
        ("nowhere", {}, FileNotFoundError, "nowhere is not a run: it has no weights"),
        ("mlp", {}, ValueError, "mlp is a network of the forward task"),
        ("derivative", {"split": "tests"}, ValueError, "split must be one of train, validation, test, got 'tests'"),
        ("derivative", {"device": "gpu"}, ValueError, "the device must be cpu, cuda or cuda:N, got 'gpu'"),
        ("derivative", {"model": "unett"}, ValueError, "got 'unett'"),
        ("derivative", {"model": 3}, TypeError, "expected a class of torch.nn.Module, got 3"),
        (nn.Linear(2, 2), {}, TypeError, "Linear.forward must take potential and parameters"),
        (Wrong(lambda x: x), {}, ValueError, r"values of shape \(3, 4, 24, 24\), got \(3, 2, 24, 24\)"),
        (Wrong(lambda x: x[:, :1]), {}, ValueError, r"got \(3, 1, 24, 24\)"),
        (Wrong(lambda x: (x, x)), {}, TypeError, "must return a tensor, got tuple"),
        (Wrong(lambda x: torch.cat([x, x], 1) / 0), {}, ValueError, "not finite in case"),
        (Wrong(lambda x: torch.cat([x, x], 1) * 1j), {}, ValueError, r"got complex \(3, 4, 24, 24\)"),
    ],
)
def test_what_cannot_be_compared_is_refused(fields, trained, options, error, message):
    with pytest.raises(error, match=message):
        compare(trained, fields, **options)


def test_the_file_of_the_weights_names_its_run(fields, trained):
    assert compare(trained.weights, fields, model=Fields)[0].network == "Fields"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"model": Fields()}, TypeError, "expected the class Fields itself, got one of its networks"),
        ({"model": nn.ReLU}, TypeError, "ReLU.forward must take potential and parameters"),
        ({"model": type("Empty", (nn.Module,), {})}, TypeError, "Empty has no forward"),
        ({"model": 3}, TypeError, "expected a class of torch.nn.Module, got 3"),
        ({"task": "derivatives"}, ValueError, "tasks derivative, forward, got 'derivatives'"),
        ({"data": {"potential": 1}}, TypeError, "expected the path of the dataset's file, got dict"),
        ({"data": "no.h5"}, FileNotFoundError, "no.h5"),
        ({"run": None}, TypeError, "expected the path of the run's folder, got NoneType"),
        ({"run": __file__}, OSError, "the run's folder .* cannot be made"),
        ({"epochs": "3"}, ValueError, "epochs must be a whole number from 1, got '3'"),
        ({"rate": float("inf")}, ValueError, "rate must be a positive number, got inf"),
        ({"learning_rate": 1.0}, TypeError, "there is no option 'learning_rate' of a training"),
        ({"resume": True}, FileNotFoundError, "to resume from"),
        ({"seed": -1}, ValueError, "--seed must be 0"),
    ],
)
def test_what_cannot_be_trained_is_refused(fields, tmp_path, options, error, message):
    given = {"task": "derivative", "data": fields, "run": tmp_path / "new", "model": Fields} | options
    with pytest.raises(error, match=message):
        train(**given)
    assert not (tmp_path / "new").exists()


def test_a_network_without_weights_is_not_trained(fields, tmp_path, monkeypatch):
    monkeypatch.setattr(Fields, "__init__", nn.Module.__init__)
    with pytest.raises(ValueError, match="Fields has no weights to train"):
        train("derivative", fields, tmp_path / "new", model=Fields)


def test_a_report_is_not_written_over_a_file(fields, tmp_path):
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(OSError, match=r"the folder .*taken cannot be made: File exists"):
        compare(Fields(), fields).write(tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "mine"


def test_run_and_dataset_are_not_mixed_up(fields, trained):
    with pytest.raises(ValueError, match="is a run's folder, not a dataset: the trained network comes first"):
        compare(fields, trained.weights.parent)


def test_what_is_no_dataset_is_refused(fields, tmp_path):
    for given, error, message in (
        (tmp_path / "no.h5", FileNotFoundError, "no.h5"),
        (3, TypeError, "expected a dataset's file or a data.read.Dataset, got int"),
        ({"potential": 1}, TypeError, "got dict"),
        (__file__, ValueError, "not a readable HDF5 file"),
        (pressures([(0, 0, 5.0, 0.0)], 1), ValueError, "has no test cases"),
    ):
        with pytest.raises(error, match=message):
            compare("derivative", given)


@pytest.mark.parametrize(("answer", "got"), [("x[:, :1]", r"\(4, 1, 24, 24\)"), ("(x, x)", "tuple")])
def test_a_network_of_another_output_is_not_trained(fields, answer, got, tmp_path):
    (tmp_path / "net.py").write_text(
        "from torch import nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.layer = nn.Conv2d(2, 4, 1)\n    def forward(self, potential, parameters):\n"
        f"        x = self.layer(potential)\n        return {answer}\n"
    )
    with pytest.raises(
        ValueError, match=r"must return a tensor of shape \(., 4, 24, 24\), got " + got.replace("4, 1", "., 1")
    ):
        train("derivative", fields, tmp_path / "run", model=f"{tmp_path}/net.py:Net")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"case": 12}, ValueError, "case must lie in 0 ... 11, got 12"),
        ({"case": -1}, ValueError, "got -1"),
        ({"case": 1.0}, TypeError, "case must be a whole number, got 1.0"),
        ({"case": True}, TypeError, "got True"),
        ({"at": 0.1}, ValueError, r"such as \(0.1, 1\), got 0.1"),
        ({"at": (0.1, 1, 2)}, ValueError, "got"),
        ({"at": ("a", "b")}, ValueError, "got"),
        ({"at": (0.1, -1)}, ValueError, "r >= 0, got"),
        ({"at": (float("nan"), 1)}, ValueError, "both finite"),
        ({"method": "RAP"}, ValueError, "the method must be one of rap, rap-weight"),
        ({"at": (100.0, 1.0)}, ValueError, "x = 100 is outside of the grid, -0.9.* ... 0.9"),
        ({"at": (0.1, 2.2)}, ValueError, "r = 2.2 is outside of the grid"),
        ({"method": None}, ValueError, "got None"),
    ],
)
def test_what_cannot_be_attributed_is_refused(fields, options, error, message):
    with pytest.raises(error, match=message):
        attribute(Fields(), fields, **options)
