"""Relevance of a network's inputs for one of its outputs, and where in the field it lies."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from data.read import Dataset
from wavenet.arrays import FloatArray
from wavenet.devices import full_precision
from wavenet.rap import Attribution
from wavenet.rap import attribute as propagate
from wavenet.rap.explainer import Explainer

from .jet_factors import cut_on_counts
from .jet_relevance import slopes
from .tasks import expect_inside, explained, tensors

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHANNELS = {"u": 0, "v": 2}  # of a velocity: channel of the real part; the imaginary part is the next one
NEAR = 0.25  # distance from a point within which relevance is summed up [duct radii]: eight cells of the usual grid
_AT_LIP = (0.1, 1.0)  # the point that is explained by default: downstream of the lip
_SIDELINE = (0.0, 1.0)  # the same for jets
_INPUTS = {  # of forward models, as pictures have them
    "m": "azimuthal order m",
    "n": "radial order n",
    "radial_eigenvalue": "radial eigenvalue α",
    "helmholtz": "Helmholtz number ka",
    "cut-on ratio": "ka / ka at cut-on",
    "mach": "Mach number M",
    "K": "K = ka / √(1 − M²)",
    "hub": "hub radius h",
    "cos 2 pi nu": "cos 2πν, ν: radial index",
    "sin 2 pi nu": "sin 2πν",
}


@dataclass(frozen=True)
class OutputRelevance:
    """Relevance for one output.

    quantity : "u", "v" or "p". output : what the output is, in words. value : the output. relevance_sum : sum over all
    inputs. leak : relevance that reached no input, None if the method does not say. miss : what of the output is
    neither relevance nor leak, see `conservation_miss`. layers : name, kind and leak of each layer.
    """

    quantity: str
    output: str
    value: float
    relevance_sum: float
    leak: float | None
    miss: float | None
    layers: list[dict[str, Any]]

    def percent(self, relevance: FloatArray) -> FloatArray:
        """Relevance as shares of the output [%]; of an output that is zero, as it is."""
        return relevance * (100 / self.value if self.value else 1.0)

    def record(self) -> dict[str, Any]:
        """The numbers as JSON values."""
        names = ("output", "value", "relevance_sum", "leak", "miss", "layers")
        return {name: getattr(self, name) for name in names}

    def figure(self) -> "Figure":
        """Picture of the relevance."""
        raise NotImplementedError


@dataclass(frozen=True)
class VelocityRelevance(OutputRelevance):
    """Relevance of the potential for |u| or |v| in one cell.

    x, r : cell centres [radii]. relevance : (x, r). at : centre of the cell. within : share of the positive relevance
    closer than `NEAR`. across : share of it on the other side of the wall.
    """

    x: FloatArray
    r: FloatArray
    relevance: FloatArray
    at: tuple[float, float]
    within: float
    across: float

    def record(self) -> dict[str, Any]:
        """The numbers as JSON values."""
        return super().record() | {
            "at": list(self.at),
            f"share_of_positive_relevance_within_{NEAR}_radii": self.within,
            "share_of_positive_relevance_across_the_wall": self.across,
        }

    def figure(self) -> "Figure":
        """Map of the relevance."""
        from . import pictures

        title = f"relevance of the potential for |{self.quantity}| at x = {self.at[0]:.3f}, r = {self.at[1]:.3f}"
        label = f"share of |{self.quantity}|", "%"
        return pictures.relevance_map(self.x, self.r, self.percent(self.relevance), self.at, title, label)


@dataclass(frozen=True)
class PressureRelevance(OutputRelevance):
    """Relevance of the mode's numbers for |p| at one microphone.

    relevance : by the name of each input. place : the microphone, in words.
    """

    relevance: dict[str, float]
    place: str

    def record(self) -> dict[str, Any]:
        """The numbers as JSON values."""
        return super().record() | {"relevance": self.relevance}

    def figure(self) -> "Figure":
        """Bars of the relevance."""
        from . import pictures

        title = f"relevance of the inputs for |p| at {self.place}"
        shares = self.percent(np.array(list(self.relevance.values()))).tolist()
        names = [_INPUTS.get(name, name) for name in self.relevance]
        return pictures.relevance_bars(names, shares, title, "share of |p| [%]")


@dataclass(frozen=True)
class LevelRelevance(OutputRelevance):
    """Relevance of a jet's inputs for what the network adds to ln |D| of one mode at one angle.

    relevance : by the name of each input. mode : (m, n). theta : angle [rad]. level : ln |D| itself.
    """

    relevance: dict[str, float]
    mode: tuple[int, int]
    theta: float
    level: float

    def record(self) -> dict[str, Any]:
        """The numbers as JSON values."""
        return super().record() | {
            "mode": list(self.mode),
            "angle_deg": float(np.degrees(self.theta)),
            "ln_d": self.level,
            "relevance": self.relevance,
        }

    def figure(self) -> "Figure":
        """Bars of the relevance."""
        from . import pictures

        title = f"relevance for ln |D| of mode {self.mode} at {np.degrees(self.theta):.0f} degrees"
        label = "relevance [Np], what the input adds to ln |D|"
        return pictures.relevance_bars(list(self.relevance), list(self.relevance.values()), title, label)


def attribute(
    model: nn.Module,
    dataset: Dataset,
    case: int,
    at: tuple[float, float] | None,
    method: Callable[[nn.Module], Any],
) -> list[OutputRelevance]:
    """Relevance for |u| and |v| in one cell, |p| at one microphone, or ln |D| of a jet's modes, by the dataset's task.

    Parameters
    ----------
    model : Module
        On the dataset's grid.
    dataset : Dataset
    case : int
        Place in the dataset.
    at : (float, float), optional
        x, r [radii]; the nearest cell or microphone is taken, or the angle of a point in the plane (x / beta, r). By
        default a point at the lip, the first microphone, or the sideline.
    method : callable
        From a model to an explainer, as in `wavenet.explain.methods.METHODS`.

    Raises
    ------
    ValueError
        A case that the dataset does not have; a dataset of another task; a network that cannot be explained.
    """
    expect_case(dataset, case)
    if dataset.task not in _OUTPUTS:
        raise ValueError(f"relevance needs a dataset of one of the tasks {', '.join(_OUTPUTS)}, got {dataset.task!r}")
    return _OUTPUTS[dataset.task](model, dataset, case, at, method)


def expect_case(dataset: Dataset, case: int) -> None:
    """Refuse a case that the dataset does not have."""
    if not 0 <= case < len(dataset):
        raise ValueError(f"case must lie in 0 ... {len(dataset) - 1}, got {case}")


def own_phase(real: float, imaginary: float) -> tuple[float, float]:
    """Weights of the projection on a complex output's own phase: weights . (real, imaginary) is the modulus."""
    angle = np.arctan2(imaginary, real)
    return float(np.cos(angle)), float(np.sin(angle))


def modulus_selector(values: torch.Tensor, quantity: str, at: tuple[int, int]) -> torch.Tensor:
    """Selector (1, 4, x, r) whose product with the velocities `values` sums to |u| or |v| in cell (i, j)."""
    selector, (i, j), channel = torch.zeros_like(values), at, CHANNELS[quantity]
    weights = own_phase(*values[0, channel : channel + 2, i, j].tolist())
    selector[0, channel, i, j], selector[0, channel + 1, i, j] = weights
    return selector


def velocity_attribution(
    core: nn.Module, seen: torch.Tensor, values: torch.Tensor, quantity: str, at: tuple[int, int]
) -> Attribution:
    """Relevance by RAP of a potential for |u| or |v| in cell (i, j); values : what the core returned for `seen`."""
    return propagate(core, seen, modulus_selector(values, quantity, at))


def conservation_miss(relevance: torch.Tensor, leak: float, value: float) -> float:
    """|sum of relevance + leak - output| over the sum of |relevance|; zero where relevance is conserved."""
    size = float(relevance.double().abs().sum()) or 1.0
    return abs(float(relevance.double().sum()) + leak - value) / size


def positive_shares(
    x: npt.ArrayLike, r: npt.ArrayLike, relevance: FloatArray, at: tuple[int, int], distances: npt.ArrayLike
) -> tuple[Any, float]:
    """Shares of the positive relevance closer to cell (i, j) than some distances, and across the wall from it.

    Parameters
    ----------
    x, r : (x,), (r,) arrays
        Cell centres [radii].
    relevance : (x, r) array
    at : (int, int)
        Indices of the cell.
    distances : float or (distance,) array
        Distances between cell centres [radii].

    Returns
    -------
    within : as distances
    across : float
        Upstream of the lip, r on the other side of one. All shares are zero where nothing is positive.
    """
    x, r, (i, j) = np.asarray(x), np.asarray(r), at
    positive = np.maximum(relevance, 0)
    distance = np.hypot(*np.meshgrid(x - x[i], r - r[j], indexing="ij"))
    other = (x[:, None] < 0) & ((r > 1) != (r[j] > 1))
    order = np.argsort(distance, axis=None)
    total = positive.sum() or 1.0
    reached = np.append(0.0, np.cumsum(positive.ravel()[order])) / total
    within = reached[np.searchsorted(distance.ravel()[order], distances)]
    return within, float(positive[other].sum() / total)


def nearest_cell(x: npt.ArrayLike, r: npt.ArrayLike, at: tuple[float, float]) -> tuple[int, int]:
    """Indices of the cell whose centre is next to (x, r)."""
    return int(np.argmin(np.abs(np.asarray(x) - at[0]))), int(np.argmin(np.abs(np.asarray(r) - at[1])))


def nearest_microphone(x: npt.ArrayLike, r: npt.ArrayLike, at: tuple[float, float]) -> int:
    """Index of the microphone at the least distance from (x, r)."""
    return int(np.argmin(np.hypot(np.asarray(x) - at[0], np.asarray(r) - at[1])))


def _explained(
    explainer: Any, seen: torch.Tensor, selector: torch.Tensor, value: float, quantity: str, output: str
) -> tuple[torch.Tensor, OutputRelevance]:
    """Relevance (element, ...) of one case, and its sums. value : the output; RAP and LRP compute it themselves."""
    if isinstance(explainer, Explainer):
        found = explainer.explain(seen, selector)
        whole: Any = found.relevance  # of one input, so no tuple
        relevance, leak, value = whole, float(found.leak.sum()), float(found.output.sum())
        layers = [{"name": layer.name, "kind": layer.kind, "leak": float(layer.leak.sum())} for layer in found.layers]
        miss = conservation_miss(relevance, leak, value)
        total = float(relevance.double().sum())
        return relevance[0], OutputRelevance(quantity, output, value, total, leak, miss, layers)
    relevance = explainer.attribute(seen, selector)
    total = float(relevance.double().sum())
    return relevance[0], OutputRelevance(quantity, output, value, total, None, None, [])


def _velocities(model: Any, dataset: Dataset, case: int, at: Any, method: Any) -> list[OutputRelevance]:
    x, r = dataset["x"], dataset["r"]
    i, j = nearest_cell(x, r, expect_inside(x, r, at or _AT_LIP))
    seen, core, _ = explained(model, dataset, case)
    with torch.no_grad(), full_precision():
        values = core(seen)
    results: list[OutputRelevance] = []
    for quantity in CHANNELS:
        selector = modulus_selector(values, quantity, (i, j))
        value = float((selector * values).sum())
        words = f"|{quantity}| in the network's units"
        found, sums = _explained(method(core), seen, selector, value, quantity, words)
        relevance = found.sum(dim=0).double().cpu().numpy()
        within, across = positive_shares(x, r, relevance, (i, j), NEAR)
        where: dict[str, Any] = {"at": (float(x[i]), float(r[j])), "within": float(within), "across": across}
        results.append(VelocityRelevance(**_fields(sums), x=x, r=r, relevance=relevance, **where))
    return results


def _pressure(model: Any, dataset: Dataset, case: int, at: Any, method: Any) -> list[OutputRelevance]:
    x, r = dataset["x"], dataset["r"]
    microphone = nearest_microphone(x, r, at or (float(x[0]), float(r[0])))
    features, core, names = explained(model, dataset, case)
    with torch.no_grad(), full_precision():
        values = core(features)
    pair = slice(2 * microphone, 2 * microphone + 2)
    selector = torch.zeros_like(values)
    selector[0, pair] = torch.tensor(own_phase(*values[0, pair].tolist()))
    place = f"x = {x[microphone]:.2f}, r = {r[microphone]:.2f}"
    words, value = f"|p| at {place}, over the network's pressure scale", float((selector * values).sum())
    found, sums = _explained(method(core), features, selector, value, "p", words)
    relevance = dict(zip(names, found.tolist(), strict=True))
    return [PressureRelevance(**_fields(sums), relevance=relevance, place=place)]


def _levels(model: Any, dataset: Dataset, case: int, at: Any, method: Any) -> list[OutputRelevance]:
    x, r = at or _SIDELINE
    theta = float(np.arctan2(r, x))
    (parameters, _), (seen, core, names) = tensors(dataset, [case]), explained(model, dataset, case)
    with torch.no_grad(), full_precision():
        values = core(seen)
    results: list[OutputRelevance] = []
    for n in range(int(cut_on_counts(parameters)[0])):
        level, rows = slopes(model, parameters, n, np.array([theta]))
        value = float((rows * values).sum())
        words = f"what the network adds to ln |D| of the radial order {n}, linear in its outputs"
        found, sums = _explained(method(core), seen, rows, value, f"D{n}", words)
        relevance: dict[str, Any] = {"relevance": dict(zip(names, found.tolist(), strict=True))}
        mode = int(dataset["m"][case]), n
        results.append(LevelRelevance(**_fields(sums), **relevance, mode=mode, theta=theta, level=float(level[0])))
    if not results:
        raise ValueError(f"no mode of the jet in case {case} is cut on")
    return results


def _fields(sums: OutputRelevance) -> dict[str, Any]:
    return {field.name: getattr(sums, field.name) for field in dataclasses.fields(sums)}


_OUTPUTS: dict[str, Callable[..., list[OutputRelevance]]] = {
    "derivative": _velocities,
    "forward": _pressure,
    "jet_factor": _levels,
}
