"""Processes that train together: how they are started, and what they tell each other."""

import contextlib
import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping

import torch
import torch.distributed
from lightning.fabric import Fabric
from lightning.fabric.plugins.environments import ClusterEnvironment, LightningEnvironment, SLURMEnvironment
from lightning.fabric.strategies import DDPStrategy
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from .presets import Preset

_GONE = re.compile("gloo|nccl|connection (closed|reset)|broken pipe", re.IGNORECASE)  # in the texts of torch's errors


def check_devices(preset: Preset, devices: int, nodes: int, place: torch.device | None = None) -> None:
    """Raise ValueError if the batch does not divide among the devices of all nodes, or all are to be the same one."""
    if devices < 1 or nodes < 1:
        raise ValueError(f"devices and nodes must be 1 or more, got {devices} and {nodes}")
    if preset.batch % (devices * nodes):
        raise ValueError(f"the batch of {preset.batch} does not divide among devices x nodes = {devices} x {nodes}")
    if devices * nodes > 1 and place is not None and place.index is not None:
        raise ValueError(f"{devices * nodes} devices cannot all be {place}: name their kind, {place.type}")


class Processes:
    """This process and those that train with it.

    Lightning runs this process's command again for each further device, unless torchrun or SLURM has started them.

    Parameters
    ----------
    devices, nodes : int
        Number of devices on each machine, and of machines.
    place : torch device, optional
        Where one process computes, or the kind of device of several; by default GPUs if there are any.

    Attributes
    ----------
    device : torch device
    rank, count : int
        Number of this process, from 0 on, and of all.

    Raises
    ------
    ValueError
        Fewer devices are available; or SLURM has started another number of processes.
    """

    def __init__(self, devices: int, nodes: int, place: torch.device | None = None):
        kind = place.type if place is not None else "cuda" if torch.cuda.is_available() else "cpu"
        self.rank, self.count = 0, 1
        self._wishes = torch.zeros(0)  # of all processes, in the last step
        if devices * nodes == 1:  # whatever SLURM or torchrun have in the environment
            self.device = torch.device(kind) if place is None else place
            if kind == "cuda" and self.device.index is None:
                self.device = torch.device("cuda:0")
            return
        if kind == "cuda" and devices > torch.cuda.device_count():
            raise ValueError(f"--devices {devices}: this machine has {torch.cuda.device_count()} GPUs")
        starter = environment(devices, nodes)
        for name in ("lightning.pytorch", "lightning.fabric"):
            logging.getLogger(name).setLevel(logging.WARNING)
        with warnings.catch_warnings():  # Lightning's advice on threads
            warnings.simplefilter("ignore")
            fabric = Fabric(accelerator=kind, devices=devices, num_nodes=nodes, strategy=DDPStrategy(), plugins=starter)
            fabric.launch()
        self.device, self.rank, self.count = fabric.device, fabric.global_rank, fabric.world_size

    def together(self, module: nn.Module) -> DistributedDataParallel:
        """The module, whose gradients become the mean of those of the processes."""
        places = [self.device] if self.device.type == "cuda" else None
        with warnings.catch_warnings():  # the option has another name from torch 2.13 on
            warnings.simplefilter("ignore", FutureWarning)
            # Buffers are equal in all processes from the start, and no step changes them.
            return DistributedDataParallel(module, places, broadcast_buffers=False)

    def total(self, number: Tensor, wishes: Tensor) -> Tensor:
        """Sum of a number () over the processes; their wishes (2,) travel with it and are read by `heard`.

        They are read a step later, when the device has long known them, so that no step waits for it.
        """
        both = torch.cat([number[None], wishes.to(number)])
        torch.distributed.all_reduce(both)
        self._before, self._wishes = self._wishes, both[1:]
        return both[0]

    def heard(self) -> list[bool]:
        """For each wish, whether any process had it in the step before the last one: the same in all of them."""
        return [count > 0 for count in self._before.tolist()] or [False, False]

    def summed(self, values: Tensor) -> Tensor:
        """Sum over the processes."""
        if self.count == 1:
            return values
        values = values.to(self.device)
        torch.distributed.all_reduce(values)
        return values

    def largest(self, value: int) -> int:
        """Largest of the processes' numbers."""
        if self.count == 1:
            return value
        found = torch.tensor(value, device=self.device)
        torch.distributed.all_reduce(found, torch.distributed.ReduceOp.MAX)
        return int(found)


@contextlib.contextmanager
def connected() -> Iterator[None]:
    """Say in a line that another process has gone.

    Raises
    ------
    ConnectionError
    """
    try:
        yield
    except RuntimeError as error:
        if not _GONE.search(str(error)):
            raise
        raise ConnectionError("another process of this training has ended; continue with --resume") from None


def environment(devices: int, nodes: int) -> ClusterEnvironment | None:
    """Who starts the processes; None if Lightning is to find out, as for torchrun."""
    found = os.environ
    if "RANK" in found or "SLURM_JOB_ID" not in found:
        return None
    started = _tasks(found)
    if started > 1:
        if started != devices * nodes:
            raise ValueError(f"srun has started {started} processes, --devices {devices} --nodes {nodes} need as many")
        found.setdefault("SLURM_NTASKS_PER_NODE", str(devices))  # else Lightning refuses --ntasks
        return SLURMEnvironment(auto_requeue=False)
    if nodes > 1 and "NODE_RANK" not in found:
        raise ValueError(
            f"--nodes {nodes} under SLURM: start the processes by srun --nodes {nodes} --ntasks-per-node {devices}"
        )
    return LightningEnvironment()


def _tasks(found: Mapping[str, str]) -> int:
    """Number of processes that srun has started; the variables of a batch script alone mean that it was not used."""
    return int(found.get("SLURM_STEP_NUM_TASKS", "1")) if "SLURM_STEP_ID" in found else 1
