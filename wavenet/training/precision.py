"""Arithmetic of a training: single precision, TF32 on tensor cores, or bfloat16 where PyTorch's autocast uses it."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

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
    switches: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [switch.allow_tf32 for switch in switches]
    for switch in switches:
        switch.allow_tf32 = name == "tf32"
    try:
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=name == "bf16"):
            yield
    finally:
        for switch, value in zip(switches, before, strict=True):
            switch.allow_tf32 = value
