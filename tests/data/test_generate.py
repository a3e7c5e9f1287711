"""From recipe to file without worker processes: order, statistics, provenance, resumption, refusals."""

import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest

import analytic
from data import generate, shards, tasks
from data.read import check, read, read_small
from data.sampling import Plan
from data.task import TOLERANCE

from ..conftest import compute_here

pytestmark = pytest.mark.usefixtures("small_shards")
RECIPE = """
task = "derivative"
cases = 40
seed = 5
split = [0.5, 0.25, 0.25]
[source]
m = [0, 1]
helmholtz = [4.0, 9.0]
mach = [-0.2, 0.2]
[grid]
x = [-1.0, 1.0, 4]
r = [0.0, 2.0, 4]
[[out_of_range]]
name = "higher_ka"
share = 0.1
helmholtz = [10.0, 12.0]
"""


@pytest.fixture
def path(file_of):
    return file_of(RECIPE)


@pytest.fixture
def named(loaded):
    return loaded(RECIPE)


def test_cases_are_in_the_order_of_the_recipe_whatever_is_finished_first(named, path, tmp_path, monkeypatch):
    def reversed_order(recipe, plan, todo, workers, scheduler):
        return compute_here(recipe, plan, todo[::-1], workers, scheduler)

    monkeypatch.setattr(generate, "compute_all", reversed_order)
    counts = []
    generate.generate(named, tmp_path / "x.h5", progress=lambda *count: counts.append(count))
    assert counts == [(12, 44), (28, 44), (44, 44)]
    first, second = read(path), read(tmp_path / "x.h5")
    assert second["case"].tolist() == list(range(44))
    for name in tasks.get("derivative").variables:
        np.testing.assert_array_equal(first[name], second[name])


def test_statistics_are_of_the_training_cases_alone(path):
    dataset = read(path)
    for name, (rms, largest) in dataset.about.scales.items():
        field = dataset[name][dataset["split"] == 0]
        modulus = np.hypot(field[:, 0], field[:, 1])
        assert rms == pytest.approx(np.sqrt(np.mean(modulus**2)), rel=1e-12)
        assert largest == np.abs(field).max()
        every = np.hypot(dataset[name][:, 0], dataset[name][:, 1])
        assert rms != pytest.approx(np.sqrt(np.mean(every**2)), rel=1e-3)
    assert set(dataset.about.scales) == {"potential", "axial_velocity", "radial_velocity"}


def test_without_training_cases_there_are_no_statistics(file_of):
    path = file_of(RECIPE.replace("[0.5, 0.25, 0.25]", "[0.0, 0.0, 1.0]").replace("cases = 40", "cases = 4"))
    assert read(path).about.scales == {}
    assert check(path)["scales"] == {}


def test_the_file_says_where_it_comes_from(path, named):
    about = read_small(path).provenance
    assert about["recipe_name"] == "recipe.toml"
    record, _, text = about["recipe"].partition("\n")
    assert text == RECIPE == named.text
    assert named.recipe.model_validate_json(record) == named.recipe
    assert about["seed"] == 5
    assert about["versions"] == shards.versions()
    assert about["solver_tolerance"] == TOLERANCE == 1e-6
    assert about["conventions"] == analytic.__doc__.split(">>>")[0].strip()
    git = ["git", "-C", str(Path(generate.__file__).parent), "rev-parse", "HEAD"]
    answer = subprocess.run(git, capture_output=True, text=True, check=False)
    assert about["commit"] == (answer.stdout.strip() if answer.returncode == 0 else "unknown")


def test_a_recipes_record_is_as_files_of_format_4_have_it(named):
    unused = '"mach_outer":null,"sound_speed_ratio":null,"density_ratio":null,"kutta":null'
    assert named.recipe.model_dump_json() == (
        '{"task":"derivative","cases":40,"seed":5,"sampler":"random","storage":"double","split":[0.5,0.25,0.25],"source":{"m":[0,1],'
        '"n":"cut-on","helmholtz":[4.0,9.0],"mach":[-0.2,0.2],"hub":0.0,' + unused + ',"modes":[1,1],"mixtures":1},'
        '"grid":{"x":[-1.0,1.0,4],"r":[0.0,2.0,4]},"out_of_range":[{"name":"higher_ka","share":0.1,"m":null,"n":null,'
        '"helmholtz":[10.0,12.0],"mach":null,"hub":null,' + unused + ',"modes":null}]}'
    )


def interrupted_after(count, error):
    def some(recipe, plan, todo, workers, scheduler):
        for done, result in enumerate(compute_here(recipe, plan, todo, workers, scheduler)):
            if done == count:
                raise error
            yield result

    return some


def begin(named, path, monkeypatch, count=1, error=KeyboardInterrupt):
    """A generation that ends after some shards."""
    monkeypatch.setattr(generate, "compute_all", interrupted_after(count, error))
    with pytest.raises(BaseException) as raised:  # noqa: PT011, the caller looks
        generate.generate(named, path)
    monkeypatch.setattr(generate, "compute_all", compute_here)
    return raised.value


def test_what_is_resumed_is_not_computed_again_and_ends_in_the_same_bits(named, path, tmp_path, monkeypatch):
    out, counts = tmp_path / "x.h5", []
    raised = begin(named, out, monkeypatch)
    assert isinstance(raised, generate.Interrupted)
    assert str(raised) == f"interrupted: 16 of 44 cases are kept in {out}.parts; continue with --resume"
    with pytest.raises(FileExistsError, match=r"holds an unfinished x\.h5; continue with --resume or delete it"):
        generate.generate(named, out)
    generate.generate(named, out, resume=True, progress=lambda *count: counts.append(count))
    assert counts == [(32, 44), (44, 44)]
    first, second = read(path), read(out)
    for name in tasks.get("derivative").variables:
        np.testing.assert_array_equal(first[name], second[name])
    assert sorted(one.name for one in tmp_path.iterdir()) == ["recipe.toml", "x.h5"]


def test_where_nothing_was_finished_nothing_is_kept(named, tmp_path, monkeypatch):
    raised = begin(named, tmp_path / "x.h5", monkeypatch, count=0)
    assert str(raised) == "interrupted, nothing was kept"
    assert [one.name for one in tmp_path.iterdir()] == ["recipe.toml"]


def test_an_error_of_the_disk_says_how_to_go_on_and_others_stay_as_they_are(named, tmp_path, monkeypatch):
    raised = begin(named, tmp_path / "x.h5", monkeypatch, error=OSError("disk full"))
    assert isinstance(raised, OSError)
    assert "disk full; 16 of 44 cases are kept" in str(raised)
    assert "--resume" in str(raised)
    raised = begin(named, tmp_path / "y.h5", monkeypatch, error=RuntimeError("odd"))
    assert (type(raised), str(raised)) == (RuntimeError, "odd")


def test_other_versions_do_not_go_on(named, tmp_path, monkeypatch):
    begin(named, tmp_path / "x.h5", monkeypatch)
    monkeypatch.setattr("data.generate.versions", lambda task: "numpy 99")
    with pytest.raises(ValueError, match=r"was begun with versions '.*numpy.*', not 'numpy 99'"):
        generate.generate(named, tmp_path / "x.h5", resume=True)
    assert not (tmp_path / "x.h5").exists()


def test_another_seed_does_not_go_on(loaded, named, tmp_path, monkeypatch):
    begin(named, tmp_path / "x.h5", monkeypatch)
    with pytest.raises(ValueError, match="was begun with recipe"):
        generate.generate(loaded(RECIPE, seed=6), tmp_path / "x.h5", resume=True)


def test_a_shard_changed_on_disk_is_found_when_it_is_joined(named, tmp_path, monkeypatch):
    begin(named, tmp_path / "x.h5", monkeypatch)
    shard = next((tmp_path / "x.h5.parts").glob("shard-*"))
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    with pytest.raises(ValueError, match="were changed since they were written"):
        generate.generate(named, tmp_path / "x.h5", resume=True)
    assert not (tmp_path / "x.h5").exists()


def test_a_complete_file_whose_parts_remain_is_only_tidied(named, path, tmp_path, monkeypatch):
    """As after an interruption between the file's last rename and the deletion of its parts."""
    out = tmp_path / "x.h5"
    begin(named, out, monkeypatch)
    out.write_bytes(path.read_bytes())
    monkeypatch.setattr(generate, "compute_all", None)
    assert generate.generate(named, out, resume=True).cases == 44
    assert not generate.parts_folder(out).exists()
    with pytest.raises(FileExistsError, match="not overwritten"):
        generate.generate(named, out, resume=True)


def test_missing_cases_are_in_the_file_with_reason_and_split(named, path, tmp_path, failing, here):
    whole = read_small(path)
    reason = "no convergence – " + "x" * 300
    failing(lambda source: reason if source.m == 1 else "")
    summary = generate.generate(named, tmp_path / "x.h5")
    dataset = read_small(tmp_path / "x.h5")
    lost = np.flatnonzero(whole["m"] == 1)
    assert 0 < len(lost) == len(summary.missing) == 44 - summary.cases
    assert dataset["case"].tolist() == np.flatnonzero(whole["m"] != 1).tolist()
    for name in ("case", "m", "helmholtz", "mach", "split"):
        assert [record[name] for record in dataset.about.missing] == whole[name][lost].tolist()
    expected = (b"no convergence ? " + b"x" * 300)[:200].decode()
    assert {record["reason"] for record in dataset.about.missing} == {expected}
    assert check(tmp_path / "x.h5")["missing"] == {expected: len(lost)}


def test_missing_cases_count_as_finished_and_shards_without_cases_are_recorded(named, tmp_path, failing, here):
    plan, counts = Plan(named.recipe), []
    first = {plan.group(number).parameters["helmholtz"] for number in shards.groups(named.recipe, plan, 0)}
    failing(lambda source: "too hard" if source.helmholtz in first else "")
    summary = generate.generate(named, tmp_path / "x.h5", progress=lambda *count: counts.append(count))
    assert counts == [(16, 44), (32, 44), (44, 44)]
    assert [one.case for one in summary.missing] == list(range(16))
    assert [one["case"] for one in read_small(tmp_path / "x.h5").about.missing] == list(range(16))


def test_a_recipe_of_which_no_case_converges(named, tmp_path, failing, here):
    failing(lambda source: "never")
    with pytest.raises(analytic.ConvergenceError, match="none of the recipe's cases converged"):
        generate.generate(named, tmp_path / "x.h5")
    assert not (tmp_path / "x.h5").exists()


@pytest.mark.parametrize(
    ("options", "named_fault"),
    [
        ({"workers": 0}, "workers must be at least 1, got 0"),
        ({"scheduler": "localhost:8786"}, "must be tcp://HOST:PORT, got 'localhost:8786'"),
        ({"scheduler": "tcp://localhost"}, "must be tcp://HOST:PORT"),
        ({"scheduler": "tcp://a b:1"}, "must be tcp://HOST:PORT"),
    ],
)
def test_options_are_refused_before_anything_is_written(named, tmp_path, options, named_fault):
    with pytest.raises(ValueError, match=named_fault):
        generate.generate(named, tmp_path / "x.h5", **options)
    assert [one.name for one in tmp_path.iterdir()] == ["recipe.toml"]


def test_a_recipe_that_is_too_long_for_a_file_is_refused_before_any_work(loaded, tmp_path, here):
    with pytest.raises(ValueError, match="bytes is too long for a file, the most is 60000"):
        generate.generate(loaded(RECIPE + "#" * 60_000), tmp_path / "x.h5")
    assert not (tmp_path / "x.h5.parts").exists()


def test_arrays_are_stored_as_the_page_says(path):
    """Checksums; fields with whole cases a chunk, the others with shuffle and gzip."""
    with h5py.File(path) as file:
        for name, variable in tasks.get("derivative").variables.items():
            dataset = file[name]
            stored = dataset.compression, dataset.compression_opts, dataset.shuffle, dataset.fletcher32
            assert dataset.dtype == variable.dtype
            if name in tasks.get("derivative").fields:
                assert stored == (None, None, False, True), name
                assert dataset.chunks[1:] == dataset.shape[1:]
            else:
                assert stored == ("gzip", 1, True, True), name
        assert file["split"].attrs["flag_values"].tolist() == [0, 1, 2, 3]
