"""Time that help takes: python benchmarks/help.py [--repeats N].

Processor time, which does not depend on other programs, of `wavenet --help` and of the help of each command, which
imports that command: least and median over several calls, each in its own process.
"""

import argparse
import resource
import subprocess
import sys

import numpy as np

from wavenet.cli import COMMANDS


def seconds(arguments):
    """Processor time of one call of the script, of the user and of the system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "wavenet", *arguments], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(argv=None):
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(argv)
    print(f"{'[s]':28} least  median")
    for arguments in (["--help"], *([name, "--help"] for name in COMMANDS)):
        taken = [seconds(arguments) for _ in range(options.repeats)]
        print(f"wavenet {' '.join(arguments):20} {min(taken):5.2f}   {np.median(taken):5.2f}", flush=True)


if __name__ == "__main__":
    main()
