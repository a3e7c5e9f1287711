"""Random inputs of every kind: python benchmarks/random_inputs.py [--cases N] [--seed S] [--processes P].

Each case is a Python expression, drawn from a seed: ordinary parameters, extreme ones, and numbers of the wrong type or
range, at every entry point of `analytic` and at the command line. The answer must be finite, or one of the documented
errors: ValueError or TypeError, raised by the package, for bad input and for nothing else; ConvergenceError from the
numerics; with neither a warning nor another exception, in less than 60 s of CPU time. A power balance must close.

What was answered is computed again by a tighter route: the plain doubles of the same numbers, half the step of the
factorisation, a tolerance of 1e-10, and for some by `analytic.reference` in multiple precision. Printed are the number
of outcomes by kind, the largest true error over its estimate, and every violation with the expression that reproduces
it in Python after `from random_inputs import *`.
"""

import argparse
import collections
import contextlib
import dataclasses
import io
import linecache
import os
import resource
import signal
import sys
import time
import traceback
import warnings
from dataclasses import dataclass
from multiprocessing import connection, get_context
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402 - the libraries read the variables when imported

sys.path.insert(0, str(Path(__file__).resolve().parent))

from random_expressions import BAD, NAMES, VALID, Case, draw  # noqa: E402

import analytic  # noqa: E402
from analytic import (  # noqa: E402
    ConvergenceError,
    CutOffWarning,
    DuctMode,
    Field,
    MultiModeSolution,
    Power,
    Solution,
    Sweep,
    factorisation,
    sheet_factors,
)
from analytic.reference import Reference  # noqa: E402

ROOT = Path(analytic.__file__).resolve().parent.parent
PACKAGES = tuple(str(ROOT / name) + os.sep for name in ("analytic", "data", "wavenet"))
LONGEST = 60.0  # CPU seconds a case may take
HUNG = (
    1200.0  # seconds of a shared machine without an answer after which a process is ended: its alarm waits for a call
)
MEMORY = 4 << 30  # bytes of address space a process may use
BATCH = 40  # cases a process works on
BALANCED = 1e-6  # residual of the power balance, the default tolerance
# A true error this small is rounding in the judge or in what is judged, and no estimate is held to it.
ROUNDING = 1e-14
REFERENCED = 25  # one in so many modes is solved in multiple precision as well: a second each


@dataclass(frozen=True)
class Outcome:
    """What became of a case: `violation` is None or the reason; ratio: of true error to estimate, NaN where unknown."""

    index: int
    case: Case
    result: str
    violation: str | None
    ratio: float
    seconds: float


class TooLongError(BaseException):
    """Raised by the alarm; no `except Exception` catches it."""


@dataclass(frozen=True)
class Printed:
    """What a command left."""

    status: int
    output: str
    errors: str


def command(*words):
    """The command line, in this process."""
    from wavenet.cli import main as cli

    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            cli(list(words))
            status = 0
        except SystemExit as stop:
            status = stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    return Printed(status, output.getvalue(), errors.getvalue())


NAMES["command"] = command


# What an answer contains


def numbers(answer):
    """All numbers of an answer, in arrays."""
    if answer is None or isinstance(answer, bool | str):
        return []
    if isinstance(answer, Solution):
        pressures = [] if len(np.flatnonzero(answer.source.amplitudes)) > 1 else [answer.reflection_pressure]
        return numbers([answer.reflection, *pressures, answer.error_estimate, answer.end_correction])
    if isinstance(answer, MultiModeSolution):
        return [np.array(answer.error_estimate)]
    if isinstance(answer, np.ma.MaskedArray):
        return [answer.compressed()]
    if isinstance(answer, np.ndarray | float | int | complex | np.number):
        array = np.asarray(answer)
        return [array] if array.dtype.kind in "biufc" else []
    if dataclasses.is_dataclass(answer):
        return numbers([getattr(answer, field.name) for field in dataclasses.fields(answer)])
    if isinstance(answer, dict):
        return numbers(list(answer.values()))
    return [array for one in answer for array in numbers(one)]


def fault(case, answer):
    """Why an answer cannot be right by itself, or None."""
    if isinstance(answer, Printed):
        return printed_fault(case, answer)
    if case.status == BAD:
        return "bad input answered"
    silent = ".level(" in case.query  # a null is minus infinity decibels
    if any(np.any(np.isnan(one) | (np.isinf(one) & ~(silent & (one.real < 0)))) for one in numbers(answer)):
        return "NaN or infinity"
    if isinstance(answer, Power) and not abs(answer.residual) <= BALANCED:
        return f"power balance, residual {answer.residual:.1e}"
    return None


def printed_fault(case, printed):
    """The same of a command."""
    words = printed.output.lower().replace(",", " ").replace("[", " ").replace("]", " ").split()
    # A direction into which nothing is radiated has a level of -inf dB.
    if printed.status == 0 and {"nan", "inf", "nanj", "infinity", "-infinity"} & set(words):
        return "NaN or infinity printed"
    if "Traceback" in printed.errors or "Warning" in printed.errors:
        return f"traceback or warning printed: {printed.errors.strip().splitlines()[-1]}"
    if printed.status not in (0, 1, 2) or (printed.status and not printed.errors.strip()):
        return f"status {printed.status} with the message {printed.errors!r}"
    if case.status == BAD and printed.status != 2:
        return f"bad input, status {printed.status}"
    if case.status == VALID and printed.status == 2:
        return f"valid input refused: {' '.join(printed.errors.split())}"
    return None


# True errors


@contextlib.contextmanager
def half_steps():
    """Half the step of both factorisations."""
    before = factorisation.STEP, sheet_factors.STEP
    factorisation.STEP, sheet_factors.STEP = (step / 2 for step in before)
    try:
        yield
    finally:
        factorisation.STEP, sheet_factors.STEP = before


def relative(values, truth):
    """Largest error of values, each relative to its own truth."""
    values, truth = np.asarray(values), np.asarray(truth)
    return float(np.max(np.abs(values - truth) / np.maximum(np.abs(truth), 1e-300), initial=0.0))


def field_error(field, exact):
    """Relative error, the largest over psi, (u, v) and p, as `Field.error_estimate` is defined."""
    parts = (("potential",), ("axial_velocity", "radial_velocity"), ("pressure",))
    stacked = [[np.stack([getattr(f, name) for name in names]) for f in (field, exact)] for names in parts]
    return max(np.linalg.norm(a - b) / max(np.linalg.norm(b), 1e-300) for a, b in stacked)


def directivity_error(values, case, state):
    """Error of D relative to the lobe around each angle."""
    theta = np.atleast_1d(np.asarray(eval(case.plain_angles, NAMES), dtype=float))
    truth = state.directivity(theta)
    k = state.transform.k
    around = np.clip(theta + np.linspace(-1, 1, 9)[:, None] * np.pi / (1 + k), 0, np.pi)
    lobe = np.max(np.abs(state.directivity(around)), axis=0)
    return float(np.max(np.abs(np.ravel(values) - truth.ravel()) / np.maximum(lobe.ravel(), 1e-300), initial=0.0))


def errors(case, state, answer):
    """Pairs (true error, estimate) of an answer, by the tighter route; raises where that has none."""
    with half_steps():
        exact_state = eval(case.plain_setup, NAMES)
        if case.plain_angles and isinstance(state, Solution):
            estimate = max(state.error_estimate, state.tolerance if state.medium.__class__.__name__ == "Jet" else 0.0)
            return [(directivity_error(answer, case, exact_state), estimate)]
        exact = eval(f"state{case.plain_query}", NAMES | {"state": exact_state})
    if isinstance(answer, Solution):
        pairs = [(relative(answer.reflection, exact.reflection), answer.error_estimate)]
        return pairs + referenced(case, answer)
    if isinstance(answer, Field):
        return [(field_error(answer, exact), answer.error_estimate)]
    if isinstance(answer, Sweep):
        return [(relative(answer.reflection, exact.reflection), np.max(answer.error_estimate))]
    if isinstance(answer, list) and answer and isinstance(answer[0], Field):
        return [(field_error(a, b), a.error_estimate) for a, b in zip(answer, exact, strict=True)]
    return []


def referenced(case, solution):
    """The same pair in multiple precision, of some modes without a jet or hub."""
    source = solution.source
    plain = isinstance(source, DuctMode) and source.hub == 0 and 0.05 < source.helmholtz < 60 and abs(source.m) <= 40
    if not plain or solution.medium.__class__.__name__ == "Jet" or case.number % REFERENCED:
        return []
    m, n = int(source.m), int(source.n)
    exact = complex(Reference(m, n, float(source.helmholtz), float(source.mach), digits=16).reflection(n))
    return [(relative(solution.reflection[n], exact), solution.error_estimate)]


# Running the cases


def raised_here(error):
    """Whether the package itself raised an error, instead of something it called or numpy in one of its lines."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    line = linecache.getline(last.filename, last.lineno or 0).strip()
    return last.filename.startswith(PACKAGES) and line.startswith("raise ")


def described(error):
    """The error in one line, and where."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    text = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {text} ({Path(last.filename).name}:{last.lineno})"


def run(case):
    """Result, violation and ratio of a case."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", CutOffWarning)  # it tells users what they asked for
            state = eval(case.setup, NAMES)
            answer = eval(f"state{case.query}", NAMES | {"state": state})
            reason = fault(case, answer)
    except ConvergenceError as error:
        return "numerics", f"bad input, but {described(error)}" if case.status == BAD else None, np.nan
    except Warning as error:
        return "warning", described(error), np.nan
    except (ValueError, TypeError) as error:
        if not raised_here(error):
            return "foreign error", described(error), np.nan
        return "refused", f"valid input refused: {described(error)}" if case.status == VALID else None, np.nan
    except TooLongError:
        return "too long", f"more than {LONGEST:.0f} s of CPU time", np.nan
    except MemoryError as error:
        return "memory", described(error), np.nan
    except Exception as error:
        return "other error", described(error), np.nan
    if isinstance(answer, Printed):
        return ("answer", "numerics", "refused")[min(answer.status, 2)], reason, np.nan
    if reason:
        return "answer", reason, np.nan
    ratio, reason = compared(case, state, answer)
    return "answer", reason, ratio


def compared(case, state, answer):
    """Largest ratio of true error to estimate, NaN if there is none, and the violation it may be."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pairs = errors(case, state, answer)
    except (ArithmeticError, ValueError, TypeError, TooLongError, MemoryError):
        return np.nan, None  # no truth: the tighter route does not meet its tolerance
    if not pairs:
        return np.nan, None
    ratios = [error / estimate if error > ROUNDING else 0.0 for error, estimate in pairs]
    worst = int(np.argmax(ratios))
    error, estimate = pairs[worst]
    wrong = not ratios[worst] <= 1
    return ratios[worst], f"true error {error:.1e}, estimate {estimate:.1e}" if wrong else None


def alarm(signum, frame):
    raise TooLongError


def work(seed, indices, pipe):
    """Run cases in a process of their own, and send what became of them."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGPROF, alarm)
    for index in indices:
        case = draw(seed, index)
        pipe.send(index)
        started = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, LONGEST)
        result = run(case)
        signal.setitimer(signal.ITIMER_PROF, 0)
        pipe.send(Outcome(index, case, *result, time.process_time() - started))
    pipe.close()


def run_all(seed, indices, processes):
    """Outcomes of all cases, in batches of one process each; a process that hangs or dies costs its present case."""
    context, waiting, running = get_context("fork"), collections.deque(), {}
    for start in range(0, len(indices), BATCH):
        waiting.append(list(indices[start : start + BATCH]))
    while waiting or running:
        while waiting and len(running) < processes:
            batch = waiting.popleft()
            here, there = context.Pipe(duplex=False)
            process = context.Process(target=work, args=(seed, batch, there))
            process.start()
            there.close()
            running[here] = [process, batch, batch[0], time.monotonic()]
        for pipe in connection.wait(list(running), timeout=1.0):
            try:
                message = pipe.recv()
            except EOFError:
                process, batch, _, _ = running.pop(pipe)
                process.join()
                if batch:
                    yield lost(seed, batch.pop(0), f"the process died, status {process.exitcode}")
                    waiting.appendleft(batch) if batch else None
                continue
            running[pipe][3] = time.monotonic()
            if isinstance(message, Outcome):
                running[pipe][1].remove(message.index)
                yield message
        for state in running.values():
            if time.monotonic() - state[3] > HUNG:
                state[0].kill()


def lost(seed, index, reason):
    return Outcome(index, draw(seed, index), "lost", reason, np.nan, np.nan)


def main(argv=None):
    """Print the counts, the largest ratio and the violations; exit status 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args(argv)
    started = time.monotonic()
    indices = range(options.first, options.first + options.cases)
    outcomes = []
    for one in run_all(options.seed, indices, options.processes):
        outcomes.append(one)
        if one.violation:
            print(f"[{one.index}] {one.case}\n    {one.result}: {one.violation}", flush=True)
        if len(outcomes) % 100 == 0:
            print(f"{len(outcomes)} cases", file=sys.stderr, flush=True)
    report(outcomes, time.monotonic() - started)
    return int(any(one.violation for one in outcomes))


def report(outcomes, seconds):
    kinds = sorted({one.case.kind for one in outcomes})
    results = sorted({one.result for one in outcomes})
    counts = collections.Counter((one.case.kind, one.result) for one in outcomes)
    print(f"{len(outcomes)} cases in {seconds:.0f} s")
    print(f"{'kind':24}" + "".join(f"{name:>15}" for name in results) + f"{'error/estimate':>16}{'longest [s]':>13}")
    for kind in kinds:
        mine = [one for one in outcomes if one.case.kind == kind]
        ratios = [one.ratio for one in mine if not np.isnan(one.ratio)]
        longest = max((one.seconds for one in mine if not np.isnan(one.seconds)), default=np.nan)
        worst = f"{max(ratios):.2g} of {len(ratios)}" if ratios else "-"
        print(f"{kind:24}" + "".join(f"{counts[kind, name]:>15}" for name in results) + f"{worst:>16}{longest:>13.1f}")
    known = [one for one in outcomes if not np.isnan(one.ratio)]
    if known:
        worst = max(known, key=lambda one: one.ratio)
        print(f"largest true error over estimate, of {len(known)}: {worst.ratio:.2g}, case {worst.index}: {worst.case}")
    print(f"{sum(one.violation is not None for one in outcomes)} violations")


if __name__ == "__main__":
    sys.exit(main())
