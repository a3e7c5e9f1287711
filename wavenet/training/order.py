"""The order of the cases and their random numbers, functions of the seed, the epoch and the case alone.

A resumed training is therefore bit-identical to an uninterrupted one, and several processes take the same steps as one.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler, TensorDataset

Drawn = tuple[int, int, float]  # index, seed of the case, weight


class Shares(Sampler[Drawn]):
    """One process's share of every batch, as (index, seed of the case, weight).

    If a batch does not divide among the processes, it is padded with a repeated case of weight 0.
    """

    def __init__(self, count: int, batch: int, seed: int, *, shuffle: bool, rank: int = 0, processes: int = 1):
        super().__init__()
        self._count, self._batch, self._seed, self._shuffle = count, batch, seed, shuffle
        self._rank, self._processes, self._epoch = rank, processes, 0

    def set_epoch(self, epoch: int) -> None:
        """Use another order in each epoch."""
        self._epoch = epoch if self._shuffle else 0

    def __len__(self) -> int:
        full, rest = divmod(self._count, self._batch)
        return full * (self._batch // self._processes) + -(-rest // self._processes)

    @property
    def batch(self) -> int:
        """This process's cases of a full batch."""
        return self._batch // self._processes

    @property
    def batches(self) -> int:
        """Number of batches of an epoch."""
        return -(-self._count // self._batch)

    def drawn(self) -> tuple[Tensor, Tensor, Tensor]:
        """Indices, seeds and weights of all cases of this process, batch after batch."""
        random = torch.Generator().manual_seed(_mix(self._seed, self._epoch))
        order = torch.randperm(self._count, generator=random) if self._shuffle else torch.arange(self._count)
        seeds = torch.randint(2**63 - 1, (self._count,), generator=random)
        mine, weights = [], []
        for chosen in order.split(self._batch):
            weight = torch.ones(len(chosen))
            missing = -len(chosen) % self._processes
            chosen, weight = torch.cat([chosen, chosen[:1].expand(missing)]), torch.cat([weight, torch.zeros(missing)])
            share = len(chosen) // self._processes
            mine.append(chosen[self._rank * share : (self._rank + 1) * share])
            weights.append(weight[self._rank * share : (self._rank + 1) * share])
        indices = torch.cat(mine)
        return indices, seeds[indices], torch.cat(weights)

    def __iter__(self) -> Iterator[Drawn]:
        yield from zip(*(values.tolist() for values in self.drawn()), strict=True)


class Seeded(Dataset[tuple[Tensor, ...]]):
    """Cases as drawn by `Shares`, each with its seed and weight. Random numbers depend on case and epoch alone."""

    def __init__(self, cases: Any):
        self._cases = cases

    def __len__(self) -> int:
        return len(self._cases)

    def __getitem__(self, drawn: Drawn) -> tuple[Tensor, ...]:
        index, seed, weight = drawn
        if isinstance(self._cases, TensorDataset):  # nothing in it is random
            return *self._cases[index], torch.tensor(seed), torch.tensor(weight)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            return *self._cases[index], torch.tensor(seed), torch.tensor(weight)


def _mix(*numbers: int) -> int:
    """One seed from several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])
