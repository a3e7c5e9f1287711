"""What the solver's calls cost, up to their limits: python benchmarks/limits.py [--slow].

CPU time of one core, least of three calls at Helmholtz numbers that differ a little: nothing is kept from the last.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np

from analytic import DuctMode, Jet, LinedHub, Liner, MultiMode, solve

LINER = Liner(impedance=1 - 1j, length=1.0, distance=0.5)
X, R = (np.arange(128) + 0.5) / 32 - 2, (np.arange(64) + 0.5) / 32


def near_field(helmholtz: float) -> object:
    """A near field of 128 x 64 cells, with its solution."""
    return solve(DuctMode(2, 0, helmholtz, 0.3)).field(X, R)


# What, with the Helmholtz numbers at which it is done.
CALLS: dict[str, tuple[Callable[[float], object], tuple[float, ...]]] = {
    "one mode": (lambda ka: solve(DuctMode(2, 0, ka, 0.3)).reflection, (5.0, 60.0, 1000.0)),
    "its power balance": (lambda ka: solve(DuctMode(2, 0, ka, 0.3)).power, (5.0, 60.0, 1000.0)),
    "with a jet": (lambda ka: solve(DuctMode(2, 0, ka, 0.3), jet=Jet()).reflection, (5.0, 60.0)),
    "with a liner": (lambda ka: solve(DuctMode(2, 0, ka), liner=LINER).power, (5.0, 60.0)),
    "with a liner in flow": (lambda ka: solve(DuctMode(2, 0, ka, 0.3), liner=LINER).power, (5.0, 60.0)),
    "with a lined hub": (lambda ka: solve(DuctMode(2, 0, ka, 0.3, 0.4), lined_hub=LinedHub(1 - 1j)).reflection, (5.0,)),
    "its near field on 128 x 64 cells": (near_field, (5.0, 60.0)),
    "all modes, incoherent": (lambda ka: solve(MultiMode.equal_power(ka, 0.3)).power, (5.0, 20.0)),
}
SLOW = {"one mode": (9000.0,), "all modes, incoherent": (40.0,), "with a jet": (300.0,)}


def seconds(call: Callable[[float], object], helmholtz: float) -> float:
    """Least of three calls, of Helmholtz numbers that differ a little."""
    found = []
    for index in range(3):
        started = time.process_time()
        call(helmholtz * (1 + 1e-4 * index))
        found.append(time.process_time() - started)
    return min(found)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slow", action="store_true", help="also the cases that take minutes")
    slow = parser.parse_args().slow
    print(f"{'CPU seconds':34}{'ka':>8}{'seconds':>12}")
    for name, (call, places) in CALLS.items():
        for helmholtz in (*places, *(SLOW.get(name, ()) if slow else ())):
            print(f"{name:34}{helmholtz:8g}{seconds(call, helmholtz):12.2g}", flush=True)


if __name__ == "__main__":
    main()
