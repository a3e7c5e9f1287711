"""Which cases are computed next: draws, choice, judgement, interruptions and `wavenet choose`."""

import json
import signal
from dataclasses import replace

import numpy as np
import pytest

from data import generate, recipe
from data.interrupts import Stopped
from data.read import check, read, read_small
from data.tasks import forward
from wavenet.study import candidates, choice, learners

from ..conftest import compute_here
from .commands import run

RECIPE = """
task = "forward"
cases = 7
seed = 3
sampler = "sobol"
[source]
m = [0, 1, 2]
n = [0]
helmholtz = [4.0, 8.0]
mach = [-0.3, 0.3]
[microphones]
radius = 10.0
angle_deg = [10.0, 120.0, 3]
[[out_of_range]]
name = "fast"
share = 0.5
mach = [0.3, 0.4]
"""
NAMES = ("m", "helmholtz", "mach")
LOW, HIGH = np.array([0, 4.0, -0.3]), np.array([2, 8.0, 0.3])


def shares(columns):
    return (np.stack([np.asarray(columns[name], float) for name in NAMES], axis=1) - LOW) / (HIGH - LOW)


class Nearest:
    """Errs by the distance to the nearest case that it knows, and the more the higher the frequency."""

    quantities = ("reflection", "directivity")

    def __init__(self):
        self.sizes, self.asked = [], []

    def fit(self, data):
        dataset = read(data)
        known = shares(dataset.arrays)[dataset.cases("train")]
        self.sizes.append(len(known))
        return Fitted(known, self)


class Fitted:
    def __init__(self, known, learner):
        self.known, self.learner = known, learner

    def expected(self, given):
        points = shares(given)
        nearest = np.min(np.linalg.norm(points[:, None] - self.known, axis=2), axis=1)
        return np.stack([nearest, 10 * nearest], axis=1) * (0.1 + points[:, 1:2])

    def missed(self, data):
        found = self.expected(read_small(data).arrays)
        self.learner.asked.append(found)
        return found


@pytest.fixture(autouse=True)
def here(monkeypatch):
    """No worker processes, and few candidates."""
    monkeypatch.setattr(generate, "compute_all", compute_here)
    monkeypatch.setattr(candidates, "CANDIDATES", 100)


@pytest.fixture
def named(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE)
    return recipe.load(path)


def chosen(named, path, learner=None, **options):
    options = {"wanted": {}, "cases": 20, "batch": 8} | options
    return choice.choose(named, path, learner or Nearest(), **options)


def notes(path):
    """Records of the batches in a dataset's provenance."""
    lines = str(read(path).provenance["recipe"]).split("\n")
    return [json.loads(line) for line in lines if line.startswith('{"content_hash"')]


def test_batches_are_half_drawn_and_half_chosen(named, tmp_path):
    learner, seen = Nearest(), []
    found = chosen(named, tmp_path / "x.h5", learner, progress=lambda done, total: seen.append((done, total)))
    assert (found.cases, found.drawn, found.missing, found.reached) == (20, 8 + 4 + 2, 0, False)
    assert learner.sizes == [8, 16]
    assert seen[-1] == (20, 20)
    assert check(tmp_path / "x.h5")["splits"] == {"train": 20, "validation": 0, "test": 0}
    records = notes(tmp_path / "x.h5")
    assert [(one["cases"], one["drawn"]) for one in records] == [(8, 8), (8, 4), (4, 2)]
    for record, missed in zip(records[1:], learner.asked, strict=True):
        measured, drawn = record["measured_of_drawn"], record["drawn"]
        assert measured["reflection"] == pytest.approx(np.median(missed[:drawn, 0]), rel=5e-3)  # three digits
        assert record["expected_of_drawn"] == measured  # of this learner
        assert record["expected_of_chosen"]["directivity"] > measured["directivity"]
    assert "expected_of_drawn" not in records[0]
    assert not choice.batches_folder(tmp_path / "x.h5").exists()


def test_the_drawn_cases_do_not_depend_on_the_network(named, tmp_path):
    class Other(Nearest):
        def fit(self, data):
            return Fitted(np.ones((1, 3)), self)

    chosen(named, tmp_path / "x.h5")
    chosen(named, tmp_path / "y.h5", Other())
    one, other = (shares(read(tmp_path / name).arrays) for name in ("x.h5", "y.h5"))
    drawn = [*range(8), *range(8, 12), *range(16, 18)]
    np.testing.assert_array_equal(one[drawn], other[drawn])
    assert np.any(one[12:16] != other[12:16])


def test_the_network_is_judged_before_it_learns(named, tmp_path):
    learner = Nearest()
    found = chosen(named, tmp_path / "x.h5", learner, cases=200, batch=16, wanted={"reflection": 0.1})
    assert found.reached
    missed = np.concatenate([errors[:8] for errors in learner.asked])[-24:]
    assert np.all(missed > 0)  # it would be 0 for cases that it knows
    assert found.judged["directivity"] == candidates.judge(missed[:, 1])
    assert found.judged["reflection"].median < found.judged["reflection"].limit <= 0.1
    assert len(learner.asked) > 3  # the first ones do not count any more
    assert learner.sizes[-1] == found.cases - 16  # it did not go on after that
    assert found.cases < 200


def test_both_errors_must_be_reached(named, tmp_path):
    found = chosen(named, tmp_path / "x.h5", cases=80, batch=16, wanted={"reflection": 10.0, "directivity": 1e-3})
    assert not found.reached
    assert found.cases == 80


def test_an_error_is_not_judged_by_a_few_cases(named, tmp_path):
    found = chosen(named, tmp_path / "x.h5", cases=40, batch=16, wanted={"reflection": 10.0})  # 12 judges
    assert not found.judged
    assert not found.reached


def test_it_begins_with_a_dataset(named, tmp_path, dataset_file):
    start = dataset_file(RECIPE)
    before = start.read_bytes()
    learner = Nearest()
    found = chosen(named, tmp_path / "x.h5", learner, start=start, cases=25)
    train = int(np.sum(read(start)["split"] == 0))
    assert learner.sizes == [train, train + 8]
    assert (found.cases, found.drawn) == (25, 4 + 3)
    assert start.read_bytes() == before
    first = shares(read(start).arrays)
    np.testing.assert_array_equal(shares(read(tmp_path / "x.h5").arrays)[: len(first)], first)
    drawn = shares(read(tmp_path / "x.h5").arrays)[len(first) :]
    assert not np.any(np.all(drawn[:, None] == first, axis=2))  # else it would be judged by what it knows


@pytest.mark.parametrize("place", ["first batch", "second batch", "training"])
def test_an_interrupted_choice_goes_on(named, tmp_path, monkeypatch, place):
    chosen(named, tmp_path / "whole.h5")
    calls = {"first batch": 0, "second batch": 1}

    def compute(*arguments):
        if calls.get(place) == len(made):
            raise Stopped(signal.SIGTERM)
        made.append(1)
        return compute_here(*arguments)

    class Interrupted(Nearest):
        def fit(self, data):
            if place == "training" and read_small(data)["case"].size == 16:
                raise Stopped(signal.SIGTERM)
            return super().fit(data)

    made = []
    monkeypatch.setattr(generate, "compute_all", compute)
    words = "nothing was kept" if place == "first batch" else r"\d+ of at most 20 cases.*x\.h5\.batches; continue with"
    with pytest.raises(choice.Interrupted, match=words) as stop:
        chosen(named, tmp_path / "x.h5", Interrupted())
    assert stop.value.signal == signal.SIGTERM
    assert choice.batches_folder(tmp_path / "x.h5").exists() == (place != "first batch")
    monkeypatch.setattr(generate, "compute_all", compute_here)
    if place != "first batch":
        with pytest.raises(FileExistsError, match=r"unfinished x\.h5; continue with"):
            chosen(named, tmp_path / "x.h5")
        with pytest.raises(ValueError, match="was begun with batch '8', not '6'"):
            chosen(named, tmp_path / "x.h5", batch=6, resume=True)
    chosen(named, tmp_path / "x.h5", resume=place != "first batch")
    one, other = read(tmp_path / "whole.h5"), read(tmp_path / "x.h5")
    assert one.provenance["content_hash"] == other.provenance["content_hash"]


def test_a_case_that_does_not_converge_judges_nothing(named, tmp_path, monkeypatch):
    solve = forward.at_points

    def at_points(modes, *places):
        failed = [mode.helmholtz < 5.0 for mode in modes]
        return [
            replace(one, reason="too hard", error_estimate=np.inf) if fails else one
            for one, fails in zip(solve(modes, *places), failed, strict=True)
        ]

    monkeypatch.setattr(forward, "at_points", at_points)
    learner = Nearest()
    found = chosen(named, tmp_path / "x.h5", learner)
    solved = read_small(tmp_path / "x.h5")
    assert found.missing == 20 - len(solved) > 0
    second = np.sort(solved["case"][(solved["case"] >= 8) & (solved["case"] < 12)] - 8)  # drawn ones that are solved
    assert 0 < len(second) < 4
    measured = notes(tmp_path / "x.h5")[1]["measured_of_drawn"]["reflection"]
    assert measured == pytest.approx(np.median(learner.asked[0][: len(second), 0]), rel=5e-3)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"wanted": {"impedance": 0.1}}, "errors of reflection, directivity, got 'impedance'"),
        ({"wanted": {"reflection": 0.0}}, "error wanted of the reflection must be positive, got 0.0"),
        ({"wanted": {"reflection": float("nan")}}, "must be positive, got nan"),
        ({"batch": 1}, r"batch must be 2 \.\.\. 1000, got 1"),
        ({"cases": 0}, r"cases must be 1 \.\.\. 800, 100 batches, got 0"),
        ({"cases": 801}, r"cases must be 1 \.\.\. 800, 100 batches, got 801"),
    ],
)
def test_what_cannot_be_is_refused_before_work_begins(named, tmp_path, options, words):
    with pytest.raises(ValueError, match=words):
        chosen(named, tmp_path / "x.h5", **options)
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.toml"]


def test_a_start_that_is_large_enough_is_refused(named, tmp_path, dataset_file):
    with pytest.raises(ValueError, match=r"has 11 cases, as many as are wanted at most: cases = 11"):
        chosen(named, tmp_path / "x.h5", start=dataset_file(RECIPE), cases=11)


def test_a_recipe_with_given_cases_is_refused(named, tmp_path):
    given = recipe.with_cases(named, {"m": [0], "helmholtz": [5.0], "mach": [0.0]})
    with pytest.raises(ValueError, match="a recipe whose cases are drawn, got a table"):
        chosen(given, tmp_path / "x.h5")


def test_a_recipe_with_ties_or_one_case_is_refused(named, tmp_path):
    path = tmp_path / "recipe.toml"
    one = (
        RECIPE.split("[[out")[0].replace("[0, 1, 2]", "[1]").replace("[4.0, 8.0]", "5.0").replace("[-0.3, 0.3]", "0.1")
    )
    path.write_text(one)
    with pytest.raises(ValueError, match="in which something varies, got one case"):
        candidates.Draws(recipe.load(path))
    path.write_text(one.replace("= 0.1", '= [0.1, 0.2]\nsound_speed_ratio = "1+mach"'))
    with pytest.raises(ValueError, match="no tied parameters, got sound_speed_ratio"):
        candidates.Draws(recipe.load(path))


def test_the_network_is_told_all_parameters(named, tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE.replace("[0, 1, 2]", "[2]").replace("mach = [-0.3, 0.3]", "mach = 0.25").split("[[out")[0])
    draws = candidates.Draws(recipe.load(path))
    given = draws.drawn(0, 3)
    found = draws.parameters(given)
    assert list(given) == ["helmholtz"]
    assert {name: found[name].tolist() for name in ("m", "mach", "hub")} == {
        "m": [2, 2, 2],
        "mach": [0.25, 0.25, 0.25],
        "hub": [0, 0, 0],
    }
    assert found["helmholtz"].tolist() == given["helmholtz"]


def test_draws_fill_the_ranges_and_go_on(named):
    draws = candidates.Draws(named)
    drawn = draws.places(draws.drawn(0, 64))
    np.testing.assert_array_equal(draws.places(draws.drawn(40, 24)), drawn[40:])
    assert np.all((drawn >= 0) & (drawn <= 1))
    counts, _ = np.histogram(drawn[:, 1], bins=8, range=(0, 1))
    assert np.all(np.abs(counts - 8) <= 2)  # quasi-random: exactly 8 of a sequence in which every point has a mode
    others = [draws.places(draws.candidates(number)) for number in (0, 1)]
    assert not np.any(np.all(others[0][:, None] == others[1][:64], axis=2))
    assert not np.any(np.all(others[0][:, None] == drawn, axis=2))


def test_a_choice_is_spread():
    score = np.array([1.0, 0.9, 0.99, 0.5, 0.2])
    places = np.array([[0.0], [0.5], [0.01], [1.0], [0.4]])
    # 0.5 * 1 > 0.9 * 0.5 > 0.99 * 0.01; then 0.9 * 0.5, then 0.2 * 0.1 > 0.99 * 0.01
    assert candidates.pick(score, places, 5).tolist() == [0, 3, 1, 4, 2]


def test_a_choice_is_of_different_cases():
    assert sorted(candidates.pick(np.zeros(4), np.zeros((4, 2)), 4)) == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="expected 5 cases or more to choose from, got 4"):
        candidates.pick(np.zeros(4), np.zeros((4, 2)), 5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_an_expected_error_is_a_number(value):
    with pytest.raises(ValueError, match=f"must be finite and not negative, got {value}"):
        candidates.pick(np.array([1.0, value]), np.zeros((2, 1)), 1)


def test_the_limit_is_above_the_median_as_often_as_it_says():
    errors = np.random.default_rng(0).lognormal(size=(4000, 24))
    above = np.mean([candidates.judge(one).limit >= 1.0 for one in errors])
    assert 0.9 <= above <= 0.95  # 1 - P(Binomial(24, 1/2) <= 15 ... ) = 0.924, and three deviations of 0.004


def test_scores_are_in_units_of_what_is_wanted():
    expected = np.array([[1.0, 100.0], [3.0, 50.0], [2.0, 10.0]])
    names = ("reflection", "directivity")
    assert candidates.scores(expected, {"reflection": 0.5}, names).tolist() == [2, 6, 4]
    assert candidates.scores(expected, {"reflection": 1.0, "directivity": 25.0}, names).tolist() == [4, 3, 2]
    assert candidates.scores(expected, {}, names).tolist() == [2, 1.5, 1]
    assert candidates.scores(np.zeros((2, 2)), {}, names).tolist() == [0, 0]


@pytest.fixture
def command(monkeypatch, named, tmp_path):
    """`wavenet choose` on this recipe with this learner."""
    monkeypatch.setattr(learners, "learner", lambda task: Nearest())
    return lambda *options: run("choose", tmp_path / "recipe.toml", "-o", tmp_path / "x.h5", *options)


def test_the_command_prints_what_it_did(command, tmp_path, capsys):
    options = ["--cases", 100, "--batch", 16, "--reflection", 0.15]
    assert command(*options, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert list(printed) == [
        "file",
        "cases",
        "drawn",
        "missing",
        "reflection_error",
        "reflection_error_at_most",
        "directivity_error",
        "directivity_error_at_most",
        "reached",
    ]
    assert printed["reached"] is True
    assert printed["reflection_error"] <= printed["reflection_error_at_most"] <= 0.15
    assert printed["cases"] == len(read(tmp_path / "x.h5"))
    assert command(*options) == 2
    assert "x.h5 exists" in capsys.readouterr().err


def test_the_command_says_how_to_go_on(command, monkeypatch, capsys):
    def compute(recipe, plan, todo, workers, place):
        assert workers == 3
        if done:
            raise Stopped(signal.SIGTERM)
        done.append(1)
        return compute_here(recipe, plan, todo, workers, place)

    done = []
    monkeypatch.setattr(generate, "compute_all", compute)
    assert command("--cases", 20, "--batch", 8, "--workers", 3) == 143
    assert "8 of at most 20 cases" in capsys.readouterr().err
    done.clear()
    monkeypatch.setattr(generate, "compute_all", compute_here)
    assert command("--cases", 20, "--batch", 8, "--resume") == 0
    assert "reached" not in capsys.readouterr().out  # nothing was wanted


def test_other_tasks_are_refused(named, tmp_path, capsys):
    assert run("choose", tmp_path / "recipe.toml", "-o", tmp_path / "x.h5") == 2
    assert "chosen for the tasks lip, got a recipe of the task 'forward'" in capsys.readouterr().err
