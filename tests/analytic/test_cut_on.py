"""A mode that does not propagate: `Solution.cut_on` and one warning from `solve`, none from elsewhere."""

import re
import warnings

import numpy as np
import pytest

import analytic
from analytic import CutOffWarning, DuctMode, Jet, Liner, ModeMixture, MultiMode, UniformFlow, cut_on_helmholtz, solve
from analytic.solver import solution_of
from wavenet.cli import main

LOW = DuctMode(3, 0, 2.0, 0.2)  # below its cut-on
FAN = DuctMode.physical(22, 0, radius=0.4, frequency=1200, temperature=288.15, mach=-0.35)


def warned(call):
    """Texts of the warnings of a call, and the files that they point to."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        call()
    return [(str(one.message), one.filename) for one in found if one.category is CutOffWarning]


@pytest.mark.parametrize(
    ("source", "options", "expected"),
    [
        (LOW, {}, "mode (3, 0) is cut off at ka = 2, it propagates above ka = 4.11631; "),
        (FAN, {}, "mode (22, 0) is cut off at 1200 Hz, it propagates above 3080.74 Hz; "),
        (LOW, {"jet": Jet()}, "mode (3, 0) is cut off at ka = 2"),
        (DuctMode(3, 0, 2.0), {"liner": Liner(1 + 1j, 0.5, 0.5)}, "mode (3, 0) is cut off at ka = 2"),
        (ModeMixture(1, [0, 0, 1, 1], 3.0), {}, "all modes of the mixture of m = 1 are cut off at ka = 3, the lowest"),
    ],
)
def test_a_mode_that_is_cut_off_is_said_once(source, options, expected):
    ((text, file),) = warned(lambda: solve(source, **options))
    assert text.startswith(expected)
    assert text.endswith("the source decays in the duct and carries no power of its own")
    assert file == __file__
    assert solution_of(source, **options).cut_on is False


@pytest.mark.parametrize(
    "source", [DuctMode(0, 0, 1e-3), DuctMode(3, 0, 4.2, 0.2), ModeMixture(1, [1, 0, 1], 3.0), DuctMode(-3, 0, 5.0)]
)
def test_a_mode_that_propagates_is_no_news(source):
    assert warned(lambda: solve(source)) == []
    assert solve(source).cut_on is True


def test_both_sides_of_a_cut_on():
    for mach in (0.0, -0.4):
        edge = cut_on_helmholtz(2, 1, mach)
        assert not solution_of(DuctMode(2, 1, edge * (1 - 1e-6), mach)).cut_on
        assert solution_of(DuctMode(2, 1, edge * (1 + 1e-6), mach)).cut_on
        mixture = ModeMixture(2, [0.0, 1j], edge * (1 + 1e-6), mach)  # not the amplitude zero of the order below it
        assert mixture.cut_on
        assert not ModeMixture(2, [0.0, 1j], edge * (1 - 1e-6), mach).cut_on


def test_the_propagation_is_that_of_the_axial_wavenumber():
    for n in range(4):
        mode = DuctMode(1, n, 6.0, 0.3)
        kappa = analytic.axial_wavenumber(6.0, 1, n, mach=0.3)
        assert mode.cut_on == (kappa.imag == 0)


def test_the_warning_can_be_silenced():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", CutOffWarning)
        solve(LOW)


def test_nothing_else_warns():
    """What computes many modes, what says so itself, and sources whose modes are cut on by their definition."""
    solution = solution_of(LOW)
    x = np.array([-1.0, 0.5])
    for call in (
        lambda: solution_of(LOW),
        lambda: analytic.sweep([3, 3], [0, 0], [2.0, 5.0], np.array([0.5]), mach=0.2),
        lambda: analytic.near_fields([LOW], x, x**2, medium=UniformFlow()),
        lambda: solution.incident(DuctMode(3, 1, 2.0, 0.2)),
        lambda: solution.field(x, x**2),
        lambda: solve(MultiMode.equal_power(2.0)),
        lambda: solve(DuctMode(3, 0, 2.0), liner=Liner(1 + 1j, np.inf, 0.0)),  # from -infinity: a lined mode
    ):
        assert warned(call) == []


@pytest.mark.parametrize(
    "command",
    [
        "solve --m 22 --n 0 --radius 0.4m --frequency 1200Hz --temperature 15degC --mach=-0.35",
        "field --m 3 --n 0 --helmholtz 2 --x=-1:1:4 --r=0:2:4 -o {folder}/field.h5",
    ],
)
def test_commands_say_so_in_their_own_words(command, tmp_path, capsys):
    def run():
        with pytest.raises(SystemExit):
            main(command.format(folder=tmp_path).split())

    assert warned(run) == []
    assert re.search("Warning", capsys.readouterr().err) is None


def test_numbers_are_those_of_before():
    """The warning changes none: the same solution without it."""
    angles = np.linspace(0, np.pi, 7)
    assert np.array_equal(solve(LOW).directivity(angles), solution_of(LOW).directivity(angles))
