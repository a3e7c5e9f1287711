"""The order of the cases, and their random numbers: from the seed, the epoch and the case alone.

So a training that was interrupted and goes on ends in the same bits, and one on several processes takes the same steps.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler, TensorDataset

Drawn = tuple[int, int, float]  # index, seed of the case, weight


class Shares(Sampler[Drawn]):
    """Share of one process of every batch, as (index, seed of the case, weight).

    Where a batch does not divide among the processes, the last ones draw a case again, with weight 0.
    """

    def __init__(self, count: int, batch: int, seed: int, *, shuffle: bool, rank: int = 0, processes: int = 1):
        super().__init__()
        self._count, self._batch, self._seed, self._shuffle = count, batch, seed, shuffle
        self._rank, self._processes, self._epoch = rank, processes, 0

    def set_epoch(self, epoch: int) -> None:
        """Another order for each epoch; Lightning says which one it is."""
        self._epoch = epoch if self._shuffle else 0

    def __len__(self) -> int:
        full, rest = divmod(self._count, self._batch)
        return full * (self._batch // self._processes) + -(-rest // self._processes)

    def __iter__(self) -> Iterator[Drawn]:
        random = torch.Generator().manual_seed(_mix(self._seed, self._epoch))
        order = torch.randperm(self._count, generator=random) if self._shuffle else torch.arange(self._count)
        seeds = torch.randint(2**63 - 1, (self._count,), generator=random)
        for chosen in order.split(self._batch):
            drawn = [(index, seed, 1.0) for index, seed in zip(chosen.tolist(), seeds[chosen].tolist(), strict=True)]
            drawn += [(*drawn[0][:2], 0.0)] * (-len(drawn) % self._processes)
            share = len(drawn) // self._processes
            yield from drawn[self._rank * share : (self._rank + 1) * share]


class Seeded(Dataset[tuple[Tensor, ...]]):
    """Cases as `Shares` draws them, each with its weight. Their random numbers are the case's and the epoch's own."""

    def __init__(self, cases: Any):
        self._cases = cases

    def __len__(self) -> int:
        return len(self._cases)

    def __getitem__(self, drawn: Drawn) -> tuple[Tensor, ...]:
        index, seed, weight = drawn
        if isinstance(self._cases, TensorDataset):  # nothing in it is random
            return *self._cases[index], torch.tensor(weight)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            return *self._cases[index], torch.tensor(weight)


def _mix(*numbers: int) -> int:
    """One seed of several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])
