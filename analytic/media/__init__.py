"""Media the duct may open into, and the transform that solves the problem in each.

A medium is a dataclass of its parameters, a subclass of `Transform`, and an entry in `MEDIA`.
"""

from collections.abc import Sequence

from ..source import Source
from ..transform import Transform
from .jet import Jet, JetSolution, JetTransform
from .uniform import UniformFlow, UniformTransform

MEDIA: dict[type, type[Transform]] = {
    UniformFlow: UniformTransform,
    Jet: JetTransform,
}

__all__ = ["MEDIA", "Jet", "JetSolution", "UniformFlow", "check_medium", "transform", "transforms"]


def check_medium(medium: object) -> None:
    """Raise a TypeError unless the type of the medium is in `MEDIA`."""
    _transform_type(medium)


def _transform_type(medium: object) -> type[Transform]:
    if type(medium) not in MEDIA:
        known = ", ".join(sorted(one.__name__ for one in MEDIA))
        raise TypeError(f"expected a medium, one of {known}, got {type(medium).__name__}")
    return MEDIA[type(medium)]


def transform(source: Source, medium: object) -> Transform:
    """Transform of one source.

    Raises
    ------
    TypeError
        The type of the medium is not in `MEDIA`.
    """
    return _transform_type(medium)(source, medium)


def transforms(sources: Sequence[Source], media: Sequence[object]) -> Sequence[Transform]:
    """Transforms of sources of one azimuthal order and hub, with one medium each, all of one type."""
    return _transform_type(media[0]).several(sources, media)
