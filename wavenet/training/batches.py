"""Batches of a training: taken by index from tensors on the device, or read by loaders where the cases do not fit."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, TensorDataset

from .augmentation import Augmentation, Partners, combined, noisy, windows
from .memory import free
from .order import Seeded, Shares

Batch = list[Tensor]
Constants = Callable[..., tuple[Tensor, ...]]
_CHUNK = 64  # cases whose constants are computed at once
_SHARE = 0.5  # of the device's free memory that cases may take: the rest is for activations and gradients


class Batches(Protocol):
    """Batches of one set of cases for this process, each on the device and with its cases' weights (case,)."""

    @property
    def count(self) -> int:
        """Number of batches of an epoch."""

    def epoch(self, epoch: int, start: int = 0) -> Iterator[tuple[Batch, Tensor]]:
        """Batches of an epoch, without the first ones if the training goes on within it."""


class Resident:
    """Batches by index from tensors that stay on the device, with constants computed once.

    Parameters
    ----------
    cases : TensorDataset
    shares : Shares
        Order of the cases.
    device : torch device
    constants : callable or None
        Tensors of a batch -> further tensors; see `wavenet.networks.Steps`.
    how : Augmentation
    fields : positions of what the augmentation changes
    """

    def __init__(
        self,
        cases: TensorDataset,
        shares: Shares,
        device: torch.device,
        constants: Constants | None,
        how: Augmentation,
        fields: Sequence[int],
    ):
        self._shares, self._device, self._how, self._fields = shares, device, how, fields
        self._tensors = list(cases.tensors)
        self._anew = constants if how.noise is not None else None
        if constants is not None and how.noise is None:
            self._tensors += self._computed(constants)
        if sum(each.nbytes for each in self._tensors) <= _SHARE * free(device):
            self._tensors = [each.to(device) for each in self._tensors]
        self._partners = Partners(self._tensors[1]) if how.superpose else None

    def _computed(self, constants: Constants) -> Batch:
        """Constants of all cases, kept where the cases are."""
        parts = []
        for chunk in torch.arange(len(self._tensors[0])).split(_CHUNK):
            with torch.no_grad():
                found = constants(*(each[chunk].to(self._device) for each in self._tensors))
            parts.append([each.to(self._tensors[0].device) for each in found])
        return [torch.cat(each) for each in zip(*parts, strict=True)]

    @property
    def count(self) -> int:
        """Number of batches of an epoch."""
        return self._shares.batches

    def epoch(self, epoch: int, start: int = 0) -> Iterator[tuple[Batch, Tensor]]:
        """Batches of an epoch from the given one on."""
        self._shares.set_epoch(epoch)
        order, seeds, weights = self._shares.drawn()
        order, seeds, weights = order.to(self._tensors[0].device), seeds.to(self._device), weights.to(self._device)
        parts = (values.split(self._shares.batch)[start:] for values in (order, seeds, weights))
        for chosen, seed, weight in zip(*parts, strict=True):
            other = None
            if self._partners is not None:
                index, any_other = self._partners.of(chosen, seed.to(chosen.device))
                other = [*self._taken(index), any_other.to(self._device)]
            batch = combined(self._taken(chosen), seed, self._how, self._fields, other)
            yield finished(batch, seed, self._how, self._fields, self._anew), weight

    def _taken(self, chosen: Tensor) -> Batch:
        return [each[chosen].to(self._device, non_blocking=True) for each in self._tensors]


class Loaded:
    """Batches that loaders read case by case; constants are computed for each batch. As `Resident` otherwise.

    workers : processes that read.

    Raises
    ------
    ValueError
        Cases are to be superposed, which needs all of them at hand.
    """

    def __init__(
        self,
        cases: Dataset,
        shares: Shares,
        device: torch.device,
        constants: Constants | None,
        how: Augmentation,
        fields: Sequence[int],
        workers: int = 0,
    ):
        if how.superpose:
            raise ValueError("cases that are read one by one are not superposed: they do not fit into memory")
        self._shares, self._device, self._how, self._fields, self._constants = shares, device, how, fields, constants
        self._order = _Later(shares)
        self._loader = DataLoader(
            Seeded(cases),
            shares.batch,
            sampler=self._order,
            num_workers=workers,
            persistent_workers=workers > 0,
            generator=torch.Generator().manual_seed(0),  # leaves torch's global generator untouched
        )

    @property
    def count(self) -> int:
        """Number of batches of an epoch."""
        return self._shares.batches

    def epoch(self, epoch: int, start: int = 0) -> Iterator[tuple[Batch, Tensor]]:
        """Batches of an epoch from the given one on."""
        self._shares.set_epoch(epoch)
        self._order.start = start * self._shares.batch
        for parts in self._loader:
            *batch, seed, weight = (each.to(self._device) for each in parts)
            batch = combined(batch, seed, self._how, self._fields, None)
            yield finished(batch, seed, self._how, self._fields, self._constants), weight


class _Later(torch.utils.data.Sampler[Any]):
    """What `Shares` draws, without the first cases."""

    def __init__(self, shares: Shares):
        super().__init__()
        self._shares, self.start = shares, 0

    def __len__(self) -> int:
        return len(self._shares) - self.start

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._shares)[self.start :])


def finished(
    batch: Batch, seeds: Tensor, how: Augmentation, fields: Sequence[int], constants: Constants | None
) -> Batch:
    """A batch with noise, with constants that are computed for it if they are given, and cut to windows."""
    more: Batch = []
    if how.noise is not None:
        potential, level = noisy(batch[0], seeds, how)
        batch, more = [potential, *batch[1:]], [level]
    if constants is not None:
        with torch.no_grad():
            batch = [*batch, *constants(*batch, *more)]
    if how.window is not None:
        batch, first = windows(batch, seeds, how, fields)
        more.append(first)
    return [*batch, *more]


def batches(
    cases: Any,
    shares: Shares,
    device: torch.device,
    constants: Constants | None,
    how: Augmentation,
    fields: Sequence[int],
    *,
    workers: int = 0,
) -> Batches:
    """Batches of tensors that are at hand, or of any other cases; see `Resident` and `Loaded`."""
    if isinstance(cases, TensorDataset):
        return Resident(cases, shares, device, constants, how, fields)
    return Loaded(cases, shares, device, constants, how, fields, workers)
