"""The directivity of every duct mode, learned from factors of the kernel."""

import numpy as np
import torch

from ..far_field.directivity import Directivity, DirectivityConfig
from ..far_field.error_bars import random_modes
from ..fields import Source
from . import Exact, Network

_CALIBRATION = 4000  # modes that calibrate the error bars: 500 per band of K, five of them beyond the 99 % bar
_ARC = np.linspace(0, np.pi, 37)  # angles at which their errors are measured, every 5 degrees


def _fit(cases: Source, seed: int, exact: Exact) -> Directivity:
    """Directivity fitted to the factors of all training cases, in memory; error bars from newly drawn, solved modes."""
    m, k = np.abs(cases.columns["m"]), cases.columns["helmholtz"]
    factor = np.stack([cases[index]["factor"] @ [1, 1j] for index in range(len(cases))])
    orders = sorted(set(m.tolist()))
    ends = np.array([(k[m == order].min(), k[m == order].max()) for order in orders])
    model = Directivity(DirectivityConfig(tuple(orders), float(ends[:, 0].max()), float(ends[:, 1].min())))
    model.fit(m, k, cases.constants["angle"], factor)
    columns = random_modes(model.config, _CALIBRATION, np.random.default_rng([seed, 1]))
    m, n, helmholtz, mach = columns
    truth = exact(m, n, helmholtz, mach, _ARC)
    with torch.no_grad():
        found = model(*map(torch.from_numpy, columns), torch.from_numpy(_ARC)).numpy()
    model.calibrate(helmholtz / np.sqrt(1 - mach**2), found, truth)
    return model


NETWORK = Network(name="directivity", task="factor", module=Directivity, config=DirectivityConfig, fit=_fit)
