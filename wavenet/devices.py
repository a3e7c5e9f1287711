"""The device that a network computes on, and the precision it computes with.

By default PyTorch multiplies single-precision numbers in convolutions on NVIDIA GPUs as TF32, with 10 bits after the
leading one: errors of 1e-3. Whether it does is a switch of the whole process, and so is the same of matrix products.
Networks of this package do not depend on these switches when they predict, as opposed to when they learn.
"""

import functools
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar

import torch
from torch import nn

P = ParamSpec("P")
Result = TypeVar("Result")
Module = TypeVar("Module", bound=nn.Module)
Switch = tuple[Callable[[], Any], Callable[[Any], None], Any]  # how it is read, how it is set, full precision


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
        self._lock, self._inside, self._asked = threading.Lock(), 0, False
        self._before: list[tuple[Switch, Any]] = []

    def enter(self) -> None:
        with self._lock:
            if not self._inside and self._asked:
                self._turn_off()
            elif not self._inside:  # some versions say once in a process that the older switches are deprecated
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    self._turn_off()
                self._asked = True
            self._inside += 1

    def _turn_off(self) -> None:
        self._before = [(switch, switch[0]()) for switch in _readable()]
        for (_, put, full), _ in self._before:
            put(full)

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                for (_, put, _), value in self._before:
                    put(value)


_SWITCHES = _Switches()


def _readable() -> list[Switch]:
    """Switches in the order in which they are set: those of all versions, which set some of the others too, first."""
    found: list[Switch] = [
        _attribute(torch.backends.cudnn, "allow_tf32", False),
        (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "highest"),
    ]
    if hasattr(torch.backends, "fp32_precision"):  # from PyTorch 2.9
        parts = [getattr(torch.backends.cudnn, name) for name in ("conv", "rnn")]
        parts += [torch.backends.cuda.matmul]
        parts += [getattr(torch.backends.mkldnn, name) for name in ("conv", "rnn", "matmul")]
        found += [_attribute(part, "fp32_precision", "ieee") for part in parts]
    readable = []
    for switch in found:
        try:
            switch[0]()
        except RuntimeError:  # the older one cannot be read where a newer one contradicts it, which then counts
            continue
        readable.append(switch)
    return readable


def _attribute(owner: Any, name: str, full: Any) -> Switch:
    return (lambda: getattr(owner, name)), (lambda value: setattr(owner, name, value)), full
