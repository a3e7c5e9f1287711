"""Read the blocks of a page that can be run, and run them.

A page is README.md, CONTRIBUTING.md or docs/**/*.md. Of its fenced blocks

- ``console``: lines that begin with "$ " are commands (a backslash at the end continues on the next line), run in the
  page's folder; the lines up to the next command are their output, which is compared if there are any;
- ``python``: executed, all blocks of a page in one namespace; a print with a comment must print the comment, or a
  ``text`` block right below has the whole output;
- ``{code-block}`` with ``:caption: NAME``: a file of that name in the page's folder.

Other blocks are not run. A comment before a block says if it is not run by default:

    <!-- slow: why -->       only in `pytest -m slow`
    <!-- not run: why -->    never; its options are checked
    <!-- within 30 %: why -->  numbers need not agree to their last printed digit

In the output shown, a line ... stands for any lines, and ... within a line for anything. Warnings of `wavenet` are part
of the output, progress bars are not.
"""

import contextlib
import dataclasses
import io
import os
import re
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parent.parent
LINKED = ("benchmarks", "docs", "examples", "scripts", "tests", "Makefile", "pyproject.toml")
STANDING = (ROOT / "README.md", ROOT / "CONTRIBUTING.md")  # pages outside of docs/
NUMBER = re.compile(r"[-+−]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
_SHELL = set("|&;<>$`()*?")


@dataclass(frozen=True)
class Block:
    """One block that is run: kind "console", "python" or "file"; when "always", "slow" or "never"."""

    line: int
    kind: str
    text: str
    name: str
    when: str
    tolerance: float | None
    prints: tuple = ()  # lines of the text block below

    def commands(self):
        """(command, lines it prints) of a console block."""
        found: list = []
        lines = iter(self.text.splitlines())
        for line in lines:
            if line.startswith("$ "):
                command = line[2:]
                while command.endswith("\\"):
                    command = f"{command[:-1].rstrip()} {next(lines).strip()}"
                found.append((command, []))
            elif found:
                found[-1][1].append(line)
            else:
                raise ValueError(f"line {self.line}: a console block begins with a command")
        return found


def pages():
    """Every page, by its path from the root."""
    made = ROOT / "docs" / "gallery"
    found = [path for path in (ROOT / "docs").rglob("*.md") if made not in path.parents]
    return sorted(str(path.relative_to(ROOT)) for path in [*STANDING, *found])


def blocks(page):
    """Blocks of a page that are run, in order."""
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    found, remarks, index, below = [], [], 0, False
    while index < len(lines):
        line = lines[index]
        fence = re.fullmatch(r"(`{3,})(.*)", line)
        if fence:
            end = lines.index(fence[1], index + 1)
            block = _block(fence[2].strip(), lines[index + 1 : end], index + 1, remarks)
            if block:
                found.append(block)
            elif fence[2] == "text" and found and found[-1].kind == "python" and below:
                found[-1] = dataclasses.replace(found[-1], prints=tuple(lines[index + 1 : end]))
            elif remarks:
                raise ValueError(f"{page}, line {index + 1}: a block that is not run has the remark {remarks[0]}")
            remarks, index, below = [], end, True
        elif remark := re.fullmatch(r"<!-- (slow|not run|within (\d+) %): .+ -->", line):
            remarks.append(remark)
        elif line.strip():
            remarks, below = [], False
        index += 1
    return found


def _block(language, lines, number, remarks):
    words = {remark[1] for remark in remarks}
    when = "never" if "not run" in words else "slow" if "slow" in words else "always"
    tolerance = next((int(remark[2]) / 100 for remark in remarks if remark[2]), None)
    if language.startswith("{code-block}"):
        names = [line.removeprefix(":caption:").strip() for line in lines if line.startswith(":caption:")]
        body = [line for line in lines if not re.match(r":\w+:", line)]
        return Block(number, "file", "\n".join(body).strip("\n") + "\n", names[0], when, None) if names else None
    if language in ("console", "python"):
        return Block(number, language, "\n".join(lines) + "\n", "", when, tolerance)
    return None


class Folder:
    """A clean folder beside a clone's own files, with `wavenet` and `python` in the path."""

    def __init__(self, path):
        self.path = path
        for name in LINKED:
            (path / name).symlink_to(ROOT / name)
        programs = path / ".venv" / "bin"
        programs.mkdir(parents=True)
        for name, rest in (
            ("wavenet", "-m wavenet"),
            ("python", ""),
            ("pytest", "-m pytest"),
        ):
            (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {rest} "$@"\n')
            (programs / name).chmod(0o755)
        (path / ".venv" / ".installed").touch()
        search = [str(programs), str(Path(sys.executable).parent), os.environ.get("PATH", "")]
        self._environment = os.environ | {
            "PATH": os.pathsep.join(search),
            "PYTHONPATH": str(ROOT),
            "MPLBACKEND": "Agg",
            "COLUMNS": "200",
        }
        self._background: list = []

    def run(self, command, *, in_process):
        """Exit status and what is printed; a command that ends in & goes on until `close`."""
        if command.endswith("&"):
            words = shlex.split(command[:-1])
            options = {"cwd": self.path, "env": self._environment, "start_new_session": True}
            self._background.append(subprocess.Popen(words, **options, stderr=subprocess.DEVNULL))
            return 0, ""
        bare = re.sub(r'"[^"]*"', "", command)
        if in_process and command.startswith("wavenet ") and not _SHELL & set(bare):
            return self._in_process(shlex.split(command)[1:])
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.path, env=self._environment, capture_output=True, text=True, check=False
        )
        said = done.stderr if done.returncode else _own(done.stderr)  # all of it says why a command failed
        return done.returncode, said + _without_bars(done.stdout)

    def _in_process(self, arguments):
        from wavenet.cli import main

        out, error, status = io.StringIO(), io.StringIO(), 0
        with contextlib.ExitStack() as inside:
            inside.enter_context(contextlib.chdir(self.path))
            inside.enter_context(contextlib.redirect_stdout(out))
            inside.enter_context(contextlib.redirect_stderr(error))
            inside.enter_context(mock.patch.dict(os.environ, {"COLUMNS": self._environment["COLUMNS"]}))
            try:
                main(arguments)
            except SystemExit as stop:
                status = stop.code or 0
        return status, _own(error.getvalue()) + _without_bars(out.getvalue())

    def close(self):
        """Stop background processes."""
        for process in self._background:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=20)


def _without_bars(text):
    return "".join(f"{line}\n" for line in text.splitlines() if "━" not in line)


def _own(text):
    return "".join(f"{line}\n" for line in text.splitlines() if line.startswith("wavenet:"))


def python(block, namespace, folder):
    """Execute a block; what it prints, and the comments that say what it should."""
    printed = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(printed):
        exec(compile(block.text, "block", "exec"), namespace)
    return printed.getvalue(), block.prints or re.findall(r"^\s*print\(.*\)  # (.*)$", block.text, re.MULTILINE)


def differences(shown, printed, tolerance):
    """None where lines that are shown match those that are printed, else the first that does not."""
    shown, printed = ([line.rstrip() for line in lines if line.strip()] for lines in (shown, printed))
    rest = printed
    for index, line in enumerate(shown):
        if line.strip() == "...":
            after = shown[index + 1 :]
            tails = (rest[start:] for start in range(len(rest) + 1))
            if any(differences(after, tail, tolerance) is None for tail in tails):
                return None
            return f"shown behind ... {after[0]!r}, not printed so"
        if not rest or not same(line, rest[0], tolerance):
            return f"shown {line!r}, printed {rest[0] if rest else None!r}"
        rest = rest[1:]
    return f"printed besides {rest[0]!r}" if rest else None


def same(shown, printed, tolerance):
    """Whether a line is as shown: words alike, numbers to one unit of the last digit shown, or within a tolerance."""
    pattern, numbers, place = "", [], 0
    for found in re.finditer(rf"\.\.\.|{NUMBER.pattern}", shown):
        pattern += _words(shown[place : found.start()])
        place = found.end()
        if found[0] == "...":
            pattern += ".*?"
        else:
            pattern += rf"({NUMBER.pattern})(?!\d)"
            numbers.append(found[0])
    match = re.fullmatch(pattern + _words(shown[place:]), printed)
    return match is not None and all(map(lambda a, b: _close(a, b, tolerance), numbers, match.groups()))


def _words(text):
    return re.sub(r"(\\ |\\\t)+", r"\\s+", re.escape(text))


def _close(shown, printed, tolerance):
    mantissa, _, exponent = shown.partition("e")
    unit = 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    a, b = (float(text.replace("−", "-")) for text in (shown, printed))
    if shown.lstrip("+-−").isdigit() and tolerance is None:
        return a == b
    return abs(a - b) <= 1.001 * unit or (tolerance is not None and abs(a - b) <= tolerance * abs(a))
