"""Random changes of fields that leave them solutions of their problem, for a whole batch at once, on its device.

Random numbers are functions of a case's seed alone: they are hashed from it in integers, not drawn from a generator, so
that a batch of any size on any device draws the same ones.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..fields import times, times_each

# Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014): SplitMix64, as signed integers.
_GOLDEN = 0x9E3779B97F4A7C15 - 2**64
_MIX = ((30, 0xBF58476D1CE4E5B9 - 2**64), (27, 0x94D049BB133111EB - 2**64))
# Numbers of the streams: one more kind of change leaves the others' random numbers as they are.
_FACTOR, _OTHER, _MULTIPLE, _WINDOW, _LEVEL, _NOISE = range(6)


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a field; all are off by default.

    factor : bool
        Multiply by a random complex number of modulus 1/2 ... 2: the equations are linear.
    superpose : bool
        Add a random complex multiple of another case of the same group, i.e. with the same m, ka and M.
    window : int or None
        Cut a window of this many cells in x out of the grid, at random, so that the position of the lip in it varies.
    noise : (float, float) or None
        Least and largest root mean square, relative to the potential's, of white noise that is added to the potential;
        its logarithm is uniform.
    silent : float
        Share of the cases without noise.

    Raises
    ------
    ValueError
        A value is out of range.
    """

    factor: bool = False
    superpose: bool = False
    window: int | None = None
    noise: tuple[float, float] | None = None
    silent: float = 0.0

    def __post_init__(self) -> None:
        if self.window is not None and self.window < 1:
            raise ValueError(f"a window needs at least one cell, got {self.window}")
        if self.noise is not None and not 0 < self.noise[0] <= self.noise[1]:
            raise ValueError(f"noise must be given as 0 < least <= largest, got {self.noise}")
        if not 0 <= self.silent <= 1:
            raise ValueError(f"the silent share must be 0 ... 1, got {self.silent}")

    @property
    def fixed(self) -> "Augmentation":
        """What validation has of it: noise and windows, but neither factors nor superposition."""
        return replace(self, factor=False, superpose=False)


UNCHANGED = Augmentation()


def uniform(seeds: Tensor, stream: int, count: int) -> Tensor:
    """Random numbers (case, count), double precision, uniform in 0 ... 1 without the ends.

    seeds : (case,) int64. stream : number of the purpose.
    """
    counter = torch.arange(1, count + 1, device=seeds.device)
    key = _mixed(_mixed(seeds) + stream)
    bits = _mixed(key[:, None] + counter * _GOLDEN)
    return (_shifted(bits, 11).double() + 0.5) * 2.0**-53


def normal(seeds: Tensor, stream: int, count: int) -> Tensor:
    """Random numbers (case, count), double precision, normal with unit variance, by Box and Muller's method."""
    first, second = uniform(seeds, stream, 2 * -(-count // 2)).chunk(2, dim=1)
    size, angle = torch.sqrt(-2 * torch.log(first)), 2 * math.pi * second
    return torch.cat([size * torch.cos(angle), size * torch.sin(angle)], dim=1)[:, :count]


class Partners:
    """Which cases may be superposed: those with the same parameters (case, 3)."""

    def __init__(self, parameters: Tensor):
        group = torch.unique(parameters, dim=0, return_inverse=True)[1]
        self._order = torch.argsort(group, stable=True)
        self._size = torch.bincount(group)[group]
        self._first = torch.searchsorted(group[self._order], group)
        self._place = torch.empty_like(self._order)
        self._place[self._order] = torch.arange(len(group), device=group.device)

    def of(self, chosen: Tensor, seeds: Tensor) -> tuple[Tensor, Tensor]:
        """Another case of the group of each chosen one, at random, and whether there is any; both (case,)."""
        others = self._size[chosen] - 1
        drawn = (uniform(seeds, _OTHER, 1)[:, 0] * others).long()
        place = self._first[chosen] + drawn
        place = place + ((place >= self._place[chosen]) & (others > 0))  # not the case itself
        return self._order[place], others > 0


def combined(
    batch: Sequence[Tensor], seeds: Tensor, how: Augmentation, fields: Sequence[int], other: Sequence[Tensor] | None
) -> list[Tensor]:
    """A batch whose fields are superposed with those of other cases, then multiplied by a complex factor.

    Parameters
    ----------
    batch : tensors (case, ...)
    seeds : (case,) int64
    how : Augmentation
    fields : positions in the batch of the tensors (case, 2 k, x, r) to change
    other : as batch, the cases to add, with a last tensor (case,) that is false where there is none; None for none
    """
    found = list(batch)
    fields = [place for place in fields if place < len(batch)]  # without constants that are computed later
    if other is not None:
        multiple = normal(seeds, _MULTIPLE, 2) * other[-1][:, None]
        for place in fields:
            found[place] = found[place] + _multiplied(other[place], multiple)
    if how.factor:
        draw = uniform(seeds, _FACTOR, 2)
        size, phase = 2 ** (2 * draw[:, :1] - 1), 2 * math.pi * draw[:, 1:]
        factor = size * torch.cat([torch.cos(phase), torch.sin(phase)], dim=1)
        for place in fields:
            found[place] = _multiplied(found[place], factor)
    return found


def noisy(potential: Tensor, seeds: Tensor, how: Augmentation) -> tuple[Tensor, Tensor]:
    """The potential with white noise, and the noise's relative root mean square (case,), 0 for the silent share."""
    assert how.noise is not None
    low, high = how.noise
    draw = uniform(seeds, _LEVEL, 2)
    level = low * (high / low) ** draw[:, 0] * (draw[:, 1] >= how.silent)
    size = level * potential.double().square().flatten(1).mean(dim=1).sqrt()
    added = normal(seeds, _NOISE, potential[0].numel()).reshape(potential.shape)
    return potential + (size[:, None, None, None] * added).to(potential.dtype), level


def windows(
    batch: Sequence[Tensor], seeds: Tensor, how: Augmentation, fields: Sequence[int]
) -> tuple[list[Tensor], Tensor]:
    """A batch whose fields are cut to a window of rows in x, and the first row of each window (case,) int64.

    Raises
    ------
    ValueError
        The window is wider than the grid.
    """
    found, width = list(batch), how.window
    assert width is not None
    cells = batch[fields[0]].shape[2]
    if width > cells:
        raise ValueError(f"the window must have 1 ... {cells} cells, got {width}")
    first = (uniform(seeds, _WINDOW, 1)[:, 0] * (cells - width + 1)).long()
    rows = first[:, None] + torch.arange(width, device=first.device)
    for place in fields:
        each = found[place]
        index = rows[:, None, :, None].expand(-1, each.shape[1], -1, each.shape[3])
        found[place] = torch.gather(each, 2, index)
    return found, first


def _multiplied(fields: Tensor, factor: Tensor) -> Tensor:
    factor = factor.to(fields.dtype)
    return times(fields, factor) if fields.shape[1] == 2 else times_each(fields, factor)


def _shifted(bits: Tensor, places: int) -> Tensor:
    """Bits moved to the right, zeros moved in: torch's own shift keeps the sign."""
    return (bits >> places) & ((1 << (64 - places)) - 1)


def _mixed(bits: Tensor) -> Tensor:
    """SplitMix64's mixing function."""
    for places, multiplier in _MIX:
        bits = (bits ^ _shifted(bits, places)) * multiplier
    return bits ^ _shifted(bits, 31)
