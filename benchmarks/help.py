"""Time that commands take to start: python benchmarks/help.py [--repeats N].

Processor time, which other programs hardly change, of `wavenet --help`, of the help of each command, which imports that
command, and of commands that compute one case: least and median over several calls, each in its own process; and that
of Python with numpy and scipy.special, and with torch, alone.
"""

import argparse
import resource
import subprocess
import sys

import numpy as np

from wavenet.cli import COMMANDS


def seconds(*program):
    """Processor time of one call of Python, of the user and of the system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *program], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


MODE = ["--m", "2", "--n", "0", "--helmholtz", "5"]
FAN = ["--m", "22", "--n", "0", "--radius", "0.4m", "--frequency", "3600Hz", "--temperature", "15degC", "--mach=-0.35"]
ALONE = ("numpy, scipy.special", "torch")


def main(argv=None):
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(argv)
    computed = (["recipes"], ["solve", *MODE], ["solve", *FAN], ["predict", *MODE], ["multimode", "--helmholtz", "5"])
    programs = {f"import {names}": ["-c", f"import {names}"] for names in ALONE}
    for arguments in (["--help"], *([name, "--help"] for name in COMMANDS), *computed):
        programs[f"wavenet {' '.join(arguments)}"] = ["-m", "wavenet", *arguments]
    print(f"{'[s]':96} least  median")
    for name, program in programs.items():
        taken = [seconds(*program) for _ in range(options.repeats)]
        print(f"{name:96} {min(taken):5.2f}   {np.median(taken):5.2f}", flush=True)


if __name__ == "__main__":
    main()
