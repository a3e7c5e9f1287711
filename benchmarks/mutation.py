"""Mutation testing: how many small faults, put into a package one at a time, its tests notice.

    python benchmarks/mutation.py {analytic,data,wavenet/rap} [--mutants 100] [--seed 0] [--minutes 20]

Works on a copy; the working tree is not changed. A first run of the tests records which test executes which line, and
how long it takes. Then places are drawn at random, and at each of them one fault of Cosmic Ray's: another operator or
comparison, a number changed by one, a negated condition, a loop that does not start. Each mutant is tested by the
fastest tests that execute its statement, up to --seconds of them, until one fails; a timeout counts as noticed. A
survivor may be equivalent, or be noticed by a slower test or by one of another package: read the difference. For a
given seed, a smaller number of mutants is the beginning of a larger one. One thread; mutants run in forked processes.
"""

import argparse
import ast
import contextlib
import difflib
import importlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import coverage
import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).resolve().parents[1]
TESTS = {
    "analytic": ["tests/analytic"],
    "data": ["tests/data"],
    "wavenet/rap": ["tests/wavenet/test_rap.py", "tests/wavenet/test_explainers.py"],
}
# Other pairs, as bits of floats, fail at once; so do `is` for `==`, which warns, and missing decorators.
ARITHMETIC = {"Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "Pow_Mul", "FloorDiv_Div", "Mod_FloorDiv", "BitAnd_BitOr"}
SKIPPED = ("Eq_Is", "Eq_IsNot", "RemoveDecorator")
QUIET = ["-q", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:xdist"]


def copy(target):
    """The working tree's files, those git does not know included."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target / name)


def apart(function, seconds, log):
    """Exit status of a function in a forked process with a group of its own; None when it takes longer."""
    process = os.fork()
    if not process:
        status = 99
        try:
            os.setsid()
            for stream in (1, 2):
                os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND), stream)
            status = int(function())
        finally:
            os._exit(status)
    end, found = time.monotonic() + seconds, (0, 0)
    while not found[0] and time.monotonic() < end:
        time.sleep(0.01)
        found = os.waitpid(process, os.WNOHANG)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)  # and what it started
    if not found[0]:
        os.waitpid(process, 0)
        return None
    return os.waitstatus_to_exitcode(found[1])


class Watch:
    """A pytest plugin: seconds of every test, whether it fails, and its name as the context of what it executes."""

    def __init__(self, recorded):
        self.recorded, self.seconds, self.failed = recorded, {}, []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        """Around a test and its fixtures."""
        self.recorded.switch_context(item.nodeid)
        started = time.perf_counter()
        result = yield
        self.seconds[item.nodeid] = time.perf_counter() - started
        self.recorded.switch_context("")
        return result

    def pytest_runtest_logreport(self, report):
        """After each phase of a test."""
        if not report.passed:
            self.failed.append(report.nodeid)


def watch(package, tests, out):
    """Run the tests once; write their times, what they execute and which libraries they import."""
    recorded = coverage.Coverage(out / "coverage", include=[f"{package}/*"], config_file=False)
    plugin = Watch(recorded)
    recorded.start()
    pytest.main([*QUIET, package, *tests], plugins=[plugin])
    recorded.stop()
    recorded.save()
    passed = {name: seconds for name, seconds in plugin.seconds.items() if name not in plugin.failed}
    files = {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
    libraries = [name for name, file in files.items() if "site-packages" in file]
    (out / "watched.json").write_text(json.dumps([passed, plugin.failed, libraries]))
    return 0


def run(tests):
    """Exit status of some tests, without the search for a smaller counterexample."""
    from hypothesis import Phase, settings

    phases = [Phase.explicit, Phase.generate]
    settings.register_profile("mutation", phases=phases, database=None, derandomize=True)
    settings.load_profile("mutation")
    return pytest.main([*QUIET, "-x", *tests])


def places(package):
    """Faults of every place: {(file, start, end): [(operator, occurrence)]}."""
    found, operators = {}, {}
    for name in operator_names():
        if not name.endswith(SKIPPED) and name.split("BinaryOperator_")[-1] in {*ARITHMETIC, name}:
            operator = get_operator(name)
            if not operator.arguments():
                operators[name] = operator()
    for file in sorted(Path(package).rglob("*.py")):
        nodes = list(ast_nodes(get_ast(file.read_text(encoding="utf-8"))))
        for name, operator in operators.items():
            positions = (position for node in nodes for position in operator.mutation_positions(node))
            for occurrence, (start, end) in enumerate(positions):
                found.setdefault((str(file), start, end), []).append((name, occurrence))
    return sorted(found.items())


def chosen(executed, file, start, end, seconds, most):
    """Fastest tests that execute the statement around a place, else those of the file; how many more there are.

    What is outside of functions is executed on import, by whichever test comes first: it belongs to those of the file.
    """
    tree = ast.walk(ast.parse(Path(file).read_text(encoding="utf-8")))
    around = [node for node in tree if isinstance(node, ast.stmt) and node.lineno <= start[0] <= node.end_lineno]
    inside = any(isinstance(node, ast.FunctionDef) and node.body[0].lineno <= start[0] for node in around)
    first = max((node.lineno for node in around), default=start[0])
    lines = executed.contexts_by_lineno(os.path.abspath(file))
    names = {name for line in range(first, end[0] + 1) for name in lines.get(line, ())} & seconds.keys()
    if not (inside and names):  # of a file of tables alone: all
        names = {name for of in lines.values() for name in of} & seconds.keys() or seconds.keys()
    kept, total = [], 0.0
    for name in sorted(names, key=lambda name: (seconds[name], name)):
        total += seconds[name]
        if kept and total > most:
            break
        kept.append(name)
    return kept, len(names) - len(kept)


def _valid(source):
    """Whether the mutant is valid Python: Cosmic Ray takes `**` in a call or a dict for a power."""
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def put(file, text, stamp):
    """Write a source file with a time of its own, so that no stale bytecode is taken for it."""
    Path(file).write_text(text, encoding="utf-8")
    os.utime(file, (stamp, stamp))


def prepared(package, tests, out):
    """Seconds of the tests that pass and what they execute; the libraries they need are imported here."""
    apart(lambda: watch(package, tests, out), 3600, out / "log")
    seconds, failed, libraries = json.loads((out / "watched.json").read_text())
    executed = coverage.CoverageData(str(out / "coverage"))
    executed.read()
    for name in libraries:
        with contextlib.suppress(Exception):  # some only load as part of others
            importlib.import_module(name)
    if apart(lambda: run(sorted(seconds, key=seconds.get)[:40]), 600, out / "log") != 0:
        raise RuntimeError(f"tests fail without a fault: {(out / 'log').read_text()[-2000:]}")
    print(f"{len(seconds)} tests, {sum(seconds.values()):.0f} s; left out because they fail: {failed or 'none'}")
    return seconds, executed


def main(argv=None):
    """Put faults into a package and count which are noticed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", choices=TESTS)
    parser.add_argument("--tests", nargs="+", help="files or folders, instead of the package's")
    parser.add_argument("--mutants", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=20.0, help="after the first run of the tests")
    parser.add_argument("--seconds", type=float, default=15.0, help="of tests a mutant, as measured at first")
    asked = parser.parse_args(argv)
    os.environ |= {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    with tempfile.TemporaryDirectory() as folder:
        out, tree = Path(folder), Path(folder) / "tree"
        copy(tree)
        os.environ["PYTHONPATH"] = str(tree)
        sys.path.insert(0, str(tree))
        os.chdir(tree)
        seconds, executed = prepared(asked.package, asked.tests or TESTS[asked.package], out)
        every, drawn, begun = places(asked.package), random.Random(asked.seed), time.monotonic()
        print(f"{len(every)} places, {sum(len(faults) for _, faults in every)} faults", flush=True)
        drawn.shuffle(every)
        counts, survivors = dict.fromkeys(("killed", "timeout", "survived"), 0), []
        for number, ((file, start, end), faults) in enumerate(every[: asked.mutants]):
            if time.monotonic() - begun > 60 * asked.minutes:
                break
            name, occurrence = drawn.choice(faults)
            source = Path(file).read_text(encoding="utf-8")
            mutated = mutate_code(source, get_operator(name)(), occurrence)
            if not _valid(mutated):
                continue
            tests, others = chosen(executed, file, start, end, seconds, asked.seconds)
            put(file, mutated, 10**9 + 2 * number)
            status = apart(lambda tests=tests: run(tests), 20 + 4 * sum(map(seconds.get, tests)), out / "log")
            put(file, source, 10**9 + 2 * number + 1)
            outcome = "timeout" if status is None else "killed" if status else "survived"
            counts[outcome] += 1
            line = f"{outcome:8} {file}:{start[0]} {name.removeprefix('core/')}, {len(tests)} tests, {others} left out"
            print(line, flush=True)
            if outcome == "survived":
                difference = difflib.unified_diff(source.splitlines(), mutated.splitlines(), n=1, lineterm="")
                survivors.append("\n".join([line, *list(difference)[3:]]))
        os.chdir(ROOT)
    total = sum(counts.values())
    print(f"\n{asked.package}, seed {asked.seed}, {time.monotonic() - begun:.0f} s, {total} mutants: {counts}")
    print(f"score {1 - counts['survived'] / max(total, 1):.1%}", *survivors, sep="\n\n")


if __name__ == "__main__":
    main()
