"""One thread a test process: the processes share the cores."""

import torch

torch.set_num_threads(1)
