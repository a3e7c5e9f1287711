"""Blocks of the space of parameters, each of which belongs to one split.

Every parameter that is drawn from more than one value is cut, the Helmholtz number finest, since fields vary most with
it. Neither orders nor amplitudes are cut, nor parameters that are tied to others.
"""

from collections.abc import Sequence

import numpy as np

from .arrays import FloatArray, IntArray
from .parameters import Parameter, tie_of
from .source import Source

_BLOCKS = 256  # in all, nearly: a split of one per cent has several
_FINER = {"helmholtz": 4.0}  # share of blocks of a parameter relative to others
_MOST = 8  # blocks of a parameter, times its share: in smaller ones a test case would have training cases very near
_ALWAYS = ("helmholtz", "mach")  # dimensions even where they are fixed


class Space:
    """The parameters that a source draws, as the unit cube, and its blocks.

    Attributes
    ----------
    names : tuple of str
        The dimensions.
    shape : tuple of int
        Number of blocks in every dimension.
    """

    def __init__(self, source: Source) -> None:
        self._parameters: dict[str, Parameter] = source.parameters
        self._drawn = drawn = source.drawn
        self.names = tuple(name for name, one in drawn.items() if one.varies or name in _ALWAYS)
        varying = [name for name in self.names if drawn[name].varies]
        finer = float(np.prod([_FINER.get(name, 1.0) for name in varying]))
        each = min(_MOST, (_BLOCKS / finer) ** (1 / max(1, len(varying))))
        self.shape = tuple(
            drawn[name].blocks(max(2, round(_FINER.get(name, 1.0) * each))) if name in varying else 1
            for name in self.names
        )

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return int(np.prod(self.shape))

    def block(self, shares: FloatArray) -> IntArray:
        """Numbers of the blocks of points in the cube: (point, dimension) -> (point,)."""
        places = np.minimum((shares * self.shape).astype(np.int64), np.array(self.shape) - 1)
        found: IntArray = np.ravel_multi_index(tuple(places.T), self.shape)
        return found

    def place(self, block: int, inside: FloatArray) -> FloatArray:
        """Point in the cube from a block and the place inside it, (dimension,)."""
        return (np.array(np.unravel_index(block, self.shape)) + inside) / self.shape

    def values(self, shares: FloatArray) -> dict[str, float]:
        """All parameters at a point of the cube."""
        place = dict(zip(self.names, shares.tolist(), strict=True))
        drawn = {name: one.at(place.get(name, 0.0)) for name, one in self._drawn.items()}
        found = {}
        for name, one in self._parameters.items():
            tie = tie_of(one)
            found[name] = drawn.get(name, 1.0) * (1.0 if tie is None else tie.at(drawn))
        return found


def deal(space: Space, split: Sequence[float], rng: np.random.Generator) -> list[IntArray]:
    """Blocks of every split; a single block is shared by all."""
    count = space.blocks
    if count == 1:
        return [np.zeros(1, int)] * len(split)
    order = rng.permutation(count)
    sizes = [max(1, round(share * count)) if share > 0 else 0 for share in split]
    sizes[int(np.argmax(sizes))] += count - sum(sizes)
    return np.split(order, np.cumsum(sizes)[:-1])


def check_blocks(source: Source, split: Sequence[float]) -> None:
    """Refuse a source with too few blocks for the splits: some would have the same parameters.

    Raises
    ------
    ValueError
    """
    space, needed = Space(source), sum(share > 0 for share in split)
    if 1 < space.blocks < needed:
        varying = " and ".join(name for name, count in zip(space.names, space.shape, strict=True) if count > 1)
        raise ValueError(
            f"{varying} has {space.blocks} values, too few for {needed} splits of their own; split = [1.0, 0.0, 0.0] "
            "makes one of all cases"
        )
