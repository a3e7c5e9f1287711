"""The built-in recipes: files of TOML whose names, tasks and sizes need neither numpy nor the solver."""

import tomllib
from pathlib import Path

_FOLDER = Path(__file__).parent / "recipes"


def names() -> list[str]:
    """Names of the built-in recipes.

    >>> "forward-demo" in names()
    True
    """
    return sorted(file.stem for file in _FOLDER.glob("*.toml"))


def text_of(name: str) -> str:
    """The recipe as it was written."""
    return (_FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def summary(name: str) -> tuple[str, int]:
    """Task and number of cases of a recipe, unchecked; its sets out of range come on top.

    >>> summary("forward-demo")
    ('forward', 1200)
    """
    content = tomllib.loads(text_of(name))
    return content["task"], content["cases"]
