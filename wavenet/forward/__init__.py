"""From a mode's numbers to pressures at fixed microphones: the feed-forward network of the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .feed_forward import ForwardModel


def load() -> ForwardModel:
    """The feed-forward network that comes with the package."""
    from ..runs import BASELINES
    from ..runs import load as load_run

    return load_run(BASELINES["mlp"], task="forward")[1]
