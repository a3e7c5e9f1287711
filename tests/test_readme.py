"""The README's example prints what it says."""

import contextlib
import io
import re
from pathlib import Path


def test_ten_lines_with_their_result():
    text = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```python\n(.*?)```", text, re.DOTALL).group(1)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(block, {})
    promised = re.findall(r"^print.*# (.*)$", block, re.MULTILINE)
    assert len(promised) == 4
    assert printed.getvalue().splitlines() == promised
