"""The same bits whatever the number of workers and the size of shards; a case that fails costs only itself."""

from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load

import analytic
from data import generate, shards, tasks
from data.read import check, read
from data.sampling import plan_of

DERIVATIVE = """
task = "derivative"
cases = 60
seed = 5
[source]
m = [0, 1, -1]
helmholtz = [4.0, 9.0]
mach = [-0.2, 0.2]
hub = { values = [0.0, 0.3] }
modes = [1, 3]
mixtures = 3
[grid]
x = [-1.0, 1.0, 5]
r = [0.3, 1.7, 4]
"""
JETS = """
task = "jet_derivative"
cases = 8
[source]
m = [0, 2]
n = [0]
helmholtz = [2.0, 3.0]
mach = 0.4
kutta = { values = [0.0, 1.0] }
mixtures = 2
[grid]
x = [-1.0, 1.0, 5]
r = [0.0, 1.7, 4]
"""


def arrays_of(recipe):
    """All arrays of a recipe's shards, joined."""
    plan, found = plan_of(recipe), []
    for number in range(shards.count(recipe, plan)):
        content, missing = shards.compute(recipe, number, shards.versions())
        assert not missing
        arrays = load(content)
        found.append({name: arrays[name] for name in tasks.get(recipe.task).along_cases})
    return {name: np.concatenate([one[name] for one in found]) for name in found[0]}, len(found)


@pytest.mark.parametrize("blocks", [1, 2, 50])
def test_the_bits_do_not_depend_on_the_size_of_shards(loaded, monkeypatch, blocks):
    recipe = loaded(DERIVATIVE).recipe
    monkeypatch.setattr(shards, "_groups_together", lambda recipe: 4)
    expected, _ = arrays_of(recipe)
    monkeypatch.setattr(shards, "_BLOCKS", blocks)
    found, count = arrays_of(recipe)
    assert count == -(-20 // (4 * blocks))
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


def test_the_bits_do_not_depend_on_the_number_of_workers(loaded, tmp_path):
    named, files = loaded(DERIVATIVE), []
    for workers in (1, 2):
        files.append(tmp_path / f"{workers}.h5")
        generate.generate(named, files[-1], workers=workers)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_solver_blocks_are_fixed_by_the_recipe(loaded):
    """At most 256 cases, fewer on large grids, one group with jets; shards are whole numbers of blocks."""
    recipe = loaded(DERIVATIVE, cases=3000).recipe
    assert len(shards.groups(recipe, plan_of(recipe), 0)) == 2 * (256 // 3)
    large = loaded(DERIVATIVE.replace("1.0, 5]", "1.0, 1024]").replace("1.7, 4]", "1.7, 1024]"), cases=3000).recipe
    assert len(shards.groups(large, plan_of(large), 0)) == 1  # 2^24 values are two mixtures: the group's three at least
    jets = loaded(JETS, cases=300).recipe
    assert len(shards.groups(jets, plan_of(jets), 0)) == 32


def test_mixtures_of_a_group_share_their_factorisation(loaded, monkeypatch):
    from analytic.media import uniform

    sizes, factorised = [], uniform.Factorisation

    def counted(section, k):
        sizes.append(np.size(k))
        return factorised(section, k)

    monkeypatch.setattr(uniform, "Factorisation", counted)
    arrays_of(loaded(DERIVATIVE.replace("{ values = [0.0, 0.3] }", "0.3")).recipe)
    assert sum(sizes) == 20
    assert len(sizes) == 2  # those of m = 0 and |m| = 1


def test_a_case_that_fails_costs_only_itself(loaded, monkeypatch):
    """The others have the bits that they have without it, though they are solved together."""
    recipe = loaded(DERIVATIVE).recipe
    expected, _ = arrays_of(recipe)
    near_fields = analytic.near_fields

    def found(sources, *arguments, **options):
        assert options["errors"] == "record"
        fields = near_fields(sources, *arguments, **options)
        return [replace(fields[0], reason="too hard"), *fields[1:]]

    monkeypatch.setattr(analytic, "near_fields", found)
    content, missing = shards.compute(recipe, 0, shards.versions())
    assert [(one.case, one.reason) for one in missing] == [(0, "too hard")]
    arrays = load(content)
    for name, values in expected.items():
        np.testing.assert_array_equal(arrays[name], values[1:])


def test_what_does_not_converge_next_to_others_is_missing(loaded, tmp_path, here):
    """A case within 1e-12 of a cut-on, by the solver itself."""
    cut_on = analytic.cut_on_helmholtz(1, 0) * (1 + 1e-12)
    text = DERIVATIVE.replace("[4.0, 9.0]", f"{{ values = [{cut_on!r}, 4.0, 5.0] }}").replace("[0, 1, -1]", "[1]")
    text = text.replace("[-0.2, 0.2]", "0.0").replace("{ values = [0.0, 0.3] }", "0.0")
    named = loaded(text.replace("seed = 5", "seed = 5\nsplit = [1.0, 0.0, 0.0]"), cases=18)
    summary = generate.generate(named, tmp_path / "x.h5")
    plan = plan_of(named.recipe)
    bad = [number for number in range(6) if plan.group(number).parameters["helmholtz"] == cut_on]
    assert 0 < len(bad) < 6
    assert [one.case for one in summary.missing] == [3 * number + case for number in bad for case in range(3)]
    assert {one.helmholtz for one in summary.missing} == {cut_on}
    assert all("error estimate" in one.reason for one in summary.missing)
    assert check(tmp_path / "x.h5")["cases"] == 18 - 3 * len(bad)


def test_annuli_are_those_of_single_solutions(loaded, tmp_path, here):
    generate.generate(loaded(DERIVATIVE.replace("{ values = [0.0, 0.3] }", "[0.1, 0.3]"), cases=6), tmp_path / "x.h5")
    dataset = read(tmp_path / "x.h5")
    for case in range(6):
        m, ka, mach, hub = (dataset[name][case].item() for name in ("m", "helmholtz", "mach", "hub"))
        assert 0.1 <= hub <= 0.3
        source = analytic.ModeMixture(m, dataset["amplitude"][case] @ [1, 1j], ka, mach, hub)
        field = analytic.solve(source).field(dataset["x"], dataset["r"])
        for name in ("potential", "axial_velocity", "radial_velocity"):
            found = dataset[name][case, 0] + 1j * dataset[name][case, 1]
            np.testing.assert_allclose(found, getattr(field, name), rtol=1e-7, atol=1e-8)


def test_jets_are_those_of_single_solutions(loaded, tmp_path, here):
    """The pressure is continuous across the sheet, the potential is not; without shedding nothing grows."""
    generate.generate(loaded(JETS), tmp_path / "x.h5")
    dataset = read(tmp_path / "x.h5")
    assert set(dataset["kutta"].tolist()) == {0.0, 1.0}
    for case in range(len(dataset)):
        m, ka, mach, kutta = (dataset[name][case].item() for name in ("m", "helmholtz", "mach", "kutta"))
        source = analytic.ModeMixture(m, dataset["amplitude"][case] @ [1, 1j], ka, mach)
        solution = analytic.solve(source, jet=analytic.Jet(kutta=kutta))
        field = solution.field(dataset["x"], dataset["r"])
        for name in ("potential", "axial_velocity", "radial_velocity", "pressure"):
            found = dataset[name][case, 0] + 1j * dataset[name][case, 1]
            np.testing.assert_allclose(found, getattr(field, name), rtol=1e-6, atol=1e-7)
        assert dataset["error_estimate"][case] >= 0.999 * field.error_estimate


def test_a_worker_that_dies_leaves_records_with_all_parameters(loaded):
    recipe = loaded(JETS).recipe
    block = [plan_of(recipe).group(number) for number in range(2)]
    records = shards.lost(block, ["", "its worker died", "its worker died", ""])
    assert [one.case for one in records] == [1, 2]
    assert [one.kutta for one in records] == [group.parameters["kutta"] for group in block]
    assert [(one.m, one.hub, one.sound_speed_ratio) for one in records] == [(group.m, 0.0, 1.0) for group in block]


def test_a_case_that_cannot_be_stored_costs_only_itself(loaded, monkeypatch):
    """One field is zero, which no file may hold."""
    recipe = loaded(DERIVATIVE).recipe
    expected, _ = arrays_of(recipe)
    near_fields = analytic.near_fields

    def found(sources, *arguments, **options):
        fields = near_fields(sources, *arguments, **options)
        return [fields[0], replace(fields[1], radial_velocity=0 * fields[1].radial_velocity), *fields[2:]]

    monkeypatch.setattr(analytic, "near_fields", found)
    content, missing = shards.compute(recipe, 0, shards.versions())
    assert [(one.case, one.reason) for one in missing] == [(1, "radial_velocity is zero at all points")]
    arrays = load(content)
    for name, values in expected.items():
        np.testing.assert_array_equal(arrays[name], np.delete(values, 1, axis=0))
