"""Arithmetic of a training: single precision, TF32 on tensor cores, or bfloat16 where PyTorch's autocast uses it."""

import contextlib
from collections.abc import Iterator

import torch

from ..devices import full_precision, tf32

_TF32 = (8, 0)  # first compute capability (Ampere) with TF32


def _fp32(device: torch.device) -> str | None:
    return None


def _tf32(device: torch.device) -> str | None:
    if device.type != "cuda" or torch.cuda.get_device_capability(device) < _TF32:
        return "an NVIDIA GPU of compute capability 8.0 or later"
    return None


def _bf16(device: torch.device) -> str | None:
    if device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return "an NVIDIA GPU of compute capability 8.0 or later, or a CPU"
    return None


PRECISIONS = {"fp32": _fp32, "tf32": _tf32, "bf16": _bf16}  # name -> what is needed, if the device does not have it


def expect(name: str, device: torch.device) -> None:
    """Refuse a precision that is unknown, or that the device does not have.

    Raises
    ------
    ValueError
    """
    if name not in PRECISIONS:
        raise ValueError(f"the precision must be one of {', '.join(PRECISIONS)}, got {name!r}")
    needed = PRECISIONS[name](device)
    if needed is not None:
        raise ValueError(f"the precision {name} needs {needed}, this is a {device.type.upper()} without it")


@contextlib.contextmanager
def computing(name: str, device: torch.device) -> Iterator[None]:
    """Compute in a precision, whatever the global switches of TF32 say; they are as before afterwards.

    fp32 : single precision throughout. tf32 : matrix products and convolutions round their factors to 10 bits.
    bf16 : autocast; weights, gradients and double precision stay as they are.

    Raises
    ------
    ValueError
        See `expect`.
    """
    expect(name, device)
    with contextlib.ExitStack() as within:
        within.enter_context(tf32() if name == "tf32" else full_precision())
        if name == "bf16":
            # Without a cache, which would keep the rounded weights of the first step: they change in each.
            within.enter_context(torch.autocast(device.type, dtype=torch.bfloat16, cache_enabled=False))
        yield
