"""What cannot be computed: bad input is a ValueError, a failure of the numerics a ConvergenceError; nothing warns."""

import numpy as np
import pytest

from analytic import ConvergenceError, DuctMode, Jet, MultiMode, solve, sweep
from analytic.bessel import bessel_pair, hankel_pair
from wavenet.cli import main


@pytest.mark.parametrize(
    "call",
    [
        lambda: solve(DuctMode(1000, 0, 1.0)),
        lambda: solve(DuctMode(300, 0, 1.0)).at([-0.05, 0.05], [0.98, 1.02]),
        lambda: hankel_pair(2, np.full(200, np.nan, complex)),
        lambda: bessel_pair(2, np.full(200, np.inf, complex)),
    ],
)
def test_failures_of_the_numerics_are_named_as_such(call):
    with pytest.raises(ConvergenceError):
        call()


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: DuctMode(0, 0, 1e5), r"\[1e-20, 10000\], got 100000"),
        (lambda: DuctMode(0, 0, 1e-21), "got 1e-21"),
        (lambda: DuctMode(0, 0, 1.0, 1 - 1e-16), "got 6.7"),
        (lambda: sweep(0, 0, [1.0, 1e5], [1.0]), "got 100000"),
        (lambda: MultiMode.equal_power(1e5), "got 100000"),
        (lambda: solve(DuctMode(0, 0, 1.0, 0.3), jet=Jet(sound_speed_ratio=1e-8)), r"got 1e\+08"),
        (lambda: DuctMode(1001, 0, 1.0), "at most 1000 in size, got m=1001"),
        (lambda: DuctMode(0, 1001, 1.0), "from 0 to 1000, got n=1001"),
        (lambda: sweep(-1001, 0, 1.0, [1.0]), "got m=-1001"),
    ],
)
def test_what_would_take_too_long_is_refused_before_work_begins(call, named):
    with pytest.raises(ValueError, match=named):
        call()


@pytest.mark.parametrize("member", ["directivity", "reflection"])
def test_no_nan_leaves_a_solution(member, monkeypatch):
    solution = solve(DuctMode(0, 0, 1.0))
    kind, bad = type(solution.transform), np.array([np.nan + 0j])
    if member == "directivity":
        monkeypatch.setattr(kind, member, lambda self, theta: (bad, np.zeros(1)))
        with pytest.raises(ConvergenceError, match="the directivity is beyond double precision for DuctMode"):
            solution.directivity([1.0])
    else:
        monkeypatch.setattr(kind, member, property(lambda self: bad))
        with pytest.raises(ConvergenceError, match="the reflection is beyond double precision for DuctMode"):
            assert solution.reflection.size


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ("--m 1000 --n 0 --helmholtz 1", 1),
        ("--m 1001 --n 0 --helmholtz 1", 2),
        ("--m 0 --n 0 --helmholtz 1e5", 2),
        ("--m 0 --n 0 --helmholtz 1 --mach 0.3 --mach-outer 0.3", 2),
    ],
)
def test_exit_status_of_bad_input_and_of_failures(options, status, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["solve", *options.split()])
    assert stopped.value.code == status
    assert capsys.readouterr().err.startswith("wavenet: ")
