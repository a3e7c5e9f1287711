"""Generations that are killed (SIGKILL) at random moments and resumed until they are complete.

    python benchmarks/kills.py --runs 100
    python benchmarks/kills.py --runs 20 --workers 2

Each file is begun, killed and resumed, and every other time killed again while it is resumed. The moments are drawn
uniformly over the time from the beginning of the work to the file's completion, so that they fall into computing,
journal, joining and tidying. Without --workers the shards are computed in the process itself, which begins at once.

Printed are the numbers of kills that found the process at work, of shards that the journal acknowledged then, of those
lost or unreadable afterwards, and of files whose bits differ from those of an uninterrupted run.
"""

import argparse
import multiprocessing
import os
import random
import signal
import tempfile
import time
from pathlib import Path

from data import generate, recipe, shards
from data.journal import Journal
from data.read import check

FORK = multiprocessing.get_context("fork")  # a child has imported everything already
RECIPE = """
task = "edge"
cases = 64
seed = 5
[source]
m = [0, 1, -2]
helmholtz = [4.0, 9.0]
mach = [-0.2, 0.2]
modes = [1, 3]
[disc]
radius = 0.3
closest = 1e-3
roots = 8
angles = 16
"""


def here(recipe, plan, todo, workers, scheduler):
    """Shards computed in the process itself."""
    for number in todo:
        yield number, *shards.compute(recipe, number, shards.versions())


def work(named, path, workers, answers):
    """Generate in a process group of its own; answer when it begins, and then with the number of shards computed."""
    os.setsid()
    if not workers:
        generate.compute_all = here
    counts = []
    answers.send("begins")
    generate.generate(named, path, workers=max(1, workers), resume=True, progress=lambda *count: counts.append(count))
    answers.send(len(counts))


def start(named, path, workers):
    """A generation at work, and its answers."""
    answers, sender = FORK.Pipe(duplex=False)
    process = FORK.Process(target=work, args=(named, path, workers, sender))
    process.start()
    sender.close()
    answers.recv()
    return process, answers


def finish(process, answers):
    """Number of shards that a process computed before it ended."""
    count = answers.recv()
    process.join()
    return count


def inspect(path):
    """Number of acknowledged shards, and of those among them that cannot be read."""
    journal, unreadable = Journal(generate.parts_folder(path)), 0
    done = journal.done() if journal.folder.exists() else {}
    for number, one in done.items():
        try:
            if one.cases:
                journal.verify({number: one})
        except (OSError, ValueError):
            unreadable += 1
    return len(done), unreadable


def survive(folder, runs, workers, seed):
    """Kill and resume so many generations; the numbers that are printed."""
    rng, found = random.Random(seed), dict.fromkeys(("killed", "acknowledged", "lost", "unreadable", "different"), 0)
    (folder / "recipe.toml").write_text(RECIPE)
    named = recipe.load(folder / "recipe.toml")
    process = start(named, folder / "whole.h5", workers)
    began = time.perf_counter()
    total, seconds = finish(*process), time.perf_counter() - began
    bits = (folder / "whole.h5").read_bytes()
    for run in range(runs):
        path, kills = folder / f"{run}.h5", 1 + run % 2
        for _ in range(kills):
            process, _ = start(named, path, workers)
            time.sleep(rng.uniform(0, 1) * seconds)
            os.killpg(process.pid, signal.SIGKILL)
            process.join()
            found["killed"] += process.exitcode == -signal.SIGKILL
            if path.exists() and not generate.parts_folder(path).exists():
                break
        acknowledged, unreadable = inspect(path)
        found["acknowledged"] += acknowledged
        found["unreadable"] += unreadable
        if not path.exists():
            anew = finish(*start(named, path, workers))
            found["lost"] += max(0, anew - (total - acknowledged))
        elif generate.parts_folder(path).exists():
            finish(*start(named, path, workers))
        found["different"] += path.read_bytes() != bits
        check(path)
        assert not generate.parts_folder(path).exists()
        path.unlink()
    assert [one.name for one in sorted(folder.iterdir())] == ["recipe.toml", "whole.h5"], "temporary files are left"
    return found


def main(argv=None):
    """Parse and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--workers", type=int, default=0, help="worker processes, 0 for none")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        found = survive(Path(folder), options.runs, options.workers, options.seed)
    print(f"runs {options.runs}, workers {options.workers}: {', '.join(f'{name} {n}' for name, n in found.items())}")


if __name__ == "__main__":
    main()
