"""Memory that is free for the cases of a training."""

from pathlib import Path

import psutil
import torch

_CONTROL_GROUP = Path("/sys/fs/cgroup")  # where Linux tells a container's limit


def free(device: torch.device) -> int:
    """Free memory of a device, for the CPU that of the machine or, in a container, of the container [bytes]."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return min(int(psutil.virtual_memory().available), _of_control_group())


def _of_control_group() -> int:
    try:
        limit, used = ((_CONTROL_GROUP / f"memory.{name}").read_text().strip() for name in ("max", "current"))
        return max(0, int(limit) - int(used))
    except (OSError, ValueError):  # no container, or "max": none
        return 2**63
