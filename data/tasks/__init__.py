"""The dataset tasks: each is a file of this folder that holds a `data.task.Task` named TASK, and has its name."""

import functools
import importlib
import pkgutil
from typing import Any

from ..task import Task


def names() -> list[str]:
    """Names of the tasks, in alphabetical order."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


@functools.cache  # it is asked for with every case
def get(name: str) -> Task[Any]:
    """Look up a task.

    Raises
    ------
    ValueError
        There is no such task; the message lists the existing ones.
    """
    if name not in names():
        raise ValueError(f"unknown task {name!r:.60}, expected one of {', '.join(names())}")
    task: Task[Any] = importlib.import_module(f"{__name__}.{name}").TASK
    return task
