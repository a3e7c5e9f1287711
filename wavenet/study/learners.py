"""The networks that `wavenet.study.choice` chooses cases for, by task."""

import importlib

from .choice import Learner

_MODULES = {"lip": "lip_learner"}


def learner(task: str) -> Learner:
    """How the network of a task learns and says what it expects.

    Raises
    ------
    ValueError
        There is none for this task.
    """
    if task not in _MODULES:
        raise ValueError(f"cases are chosen for the tasks {', '.join(_MODULES)}, got a recipe of the task {task!r}")
    found: Learner = importlib.import_module(f"{__package__}.{_MODULES[task]}").LEARNER
    return found
