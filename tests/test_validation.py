"""The validation page: it names its command, and its pictures exist and are small."""

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"
LARGEST = 120_000  # bytes of a picture


def test_the_page_names_its_command():
    assert (DOCS / "validation.py").exists()
    assert "\n$ python docs/validation.py\n" in (DOCS / "validation.md").read_text(encoding="utf-8")


def test_every_picture_is_there_and_small():
    shown = re.findall(r"\]\((validation/[^)]+\.png)\)", (DOCS / "validation.md").read_text(encoding="utf-8"))
    assert sorted(DOCS / name for name in shown) == sorted((DOCS / "validation").iterdir())
    assert all(0 < (DOCS / name).stat().st_size < LARGEST for name in shown)
