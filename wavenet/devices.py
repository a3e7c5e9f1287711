"""The device that a network computes on, and the precision it computes with.

By default PyTorch multiplies single-precision numbers in convolutions on NVIDIA GPUs as TF32, with 10 bits after the
leading one: errors of 1e-3. Whether it does is a switch of the whole process, and so is the same of matrix products.
Networks of this package do not depend on these switches when they predict, as opposed to when they learn.
"""

import functools
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

import torch
from torch import nn

P = ParamSpec("P")
Result = TypeVar("Result")
Module = TypeVar("Module", bound=nn.Module)


class Switch(NamedTuple):
    """A switch of the precision of products: how it is read and set, its values for single precision and for TF32."""

    read: Callable[[], Any]
    put: Callable[[Any], None]
    full: Any
    tf32: Any


def device_of(module: nn.Module) -> torch.device:
    """Device of a module's parameters and buffers, the CPU if it has none."""
    for values in (*module.parameters(), *module.buffers()):
        return values.device
    return torch.device("cpu")


def usable(name: str) -> torch.device:
    """Device of a name such as "cpu" or "cuda:1", on which the networks of this package can compute.

    Raises
    ------
    ValueError
        There is no such device here, or it has no double precision.
    """
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(f"the device must be cpu, cuda or cuda:N, got {name!r}") from None
    if device.type == "cuda":
        count = torch.cuda.device_count()
        if (device.index or 0) >= count:
            there = f"{count} CUDA device{'s' * (count > 1)}, from cuda:0" if count else "no CUDA device"
            raise ValueError(f"there is no device {name}: PyTorch {torch.__version__} finds {there}")
    try:
        torch.ones((), dtype=torch.float64, device=device).item()
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        reason = str(error).partition("\n")[0].partition(". ")[0]
        raise ValueError(f"the device {name} cannot be used: {reason}") from None
    return device


@contextmanager
def full_precision() -> Iterator[None]:
    """Single-precision products are those of single precision within, on every device; afterwards as before.

    The switches are the process's. Other threads compute with full precision meanwhile; the last to leave restores.
    """
    _SWITCHES.enter()
    try:
        yield
    finally:
        _SWITCHES.leave()


@contextmanager
def tf32() -> Iterator[None]:
    """Single-precision products may be those of TF32 within, on an NVIDIA GPU; afterwards as before.

    For a training. What is in `full_precision` within it has full precision.
    """
    before = _SWITCHES.turn("tf32")
    try:
        yield
    finally:
        _SWITCHES.restore(before)


def in_full_precision(
    forward: Callable[Concatenate[Module, P], Result],
) -> Callable[Concatenate[Module, P], Result]:
    """Decorator of a module's `forward`: with `full_precision` in evaluation mode.

    In training mode, and within what torch.compile compiles, the switches of the process apply.
    """

    @functools.wraps(forward)
    def exact(self: Module, *args: P.args, **options: P.kwargs) -> Result:
        if self.training or torch.compiler.is_compiling():
            return forward(self, *args, **options)
        with full_precision():
            return forward(self, *args, **options)

    return exact


class _Switches:
    """All switches of the process that lower the precision of single-precision products, and who wants them off."""

    def __init__(self) -> None:
        self._lock, self._inside, self._asked = threading.RLock(), 0, False
        self._before: list[tuple[Switch, Any]] = []

    def enter(self) -> None:
        with self._lock:
            if not self._inside:
                self._before = self.turn("full")
            self._inside += 1

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self.restore(self._before)

    def turn(self, way: str) -> list[tuple[Switch, Any]]:
        """Set all switches to their values of this name, and return what they were."""
        with self._lock, warnings.catch_warnings() if not self._asked else nullcontext():
            if not self._asked:  # some versions say once in a process that the older switches are deprecated
                warnings.simplefilter("ignore")
            self._asked = True
            before = [(switch, switch.read()) for switch in _readable()]
            for switch, _ in before:
                switch.put(getattr(switch, way))
        return before

    def restore(self, before: list[tuple[Switch, Any]]) -> None:
        with self._lock:
            for switch, value in before:
                switch.put(value)


_SWITCHES = _Switches()


def _readable() -> list[Switch]:
    """Switches in the order in which they are set: those of all versions, which set some of the others too, first."""
    found: list[Switch] = [
        _attribute(torch.backends.cudnn, "allow_tf32", False, True),
        Switch(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "highest", "high"),
    ]
    if hasattr(torch.backends, "fp32_precision"):  # from PyTorch 2.9
        parts = [getattr(torch.backends.cudnn, name) for name in ("conv", "rnn")]
        parts += [torch.backends.cuda.matmul]
        found += [_attribute(part, "fp32_precision", "ieee", "tf32") for part in parts]
        parts = [getattr(torch.backends.mkldnn, name) for name in ("conv", "rnn", "matmul")]  # of the CPU: never TF32
        found += [_attribute(part, "fp32_precision", "ieee", "ieee") for part in parts]
    readable = []
    for switch in found:
        try:
            switch.read()
        except RuntimeError:  # the older one cannot be read where a newer one contradicts it, which then counts
            continue
        readable.append(switch)
    return readable


def _attribute(owner: Any, name: str, full: Any, tf32: Any) -> Switch:
    return Switch(lambda: getattr(owner, name), lambda value: setattr(owner, name, value), full, tf32)
