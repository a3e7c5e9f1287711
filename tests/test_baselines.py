"""The methods that the benchmarks compare with do what they say."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from wavenet.derivatives.differences import Differences

X, R = (np.arange(64) + 0.5) / 16 - 2, (np.arange(48) + 0.5) / 24


@pytest.fixture(scope="module")
def baselines():
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
    try:
        return importlib.import_module("baselines")
    finally:
        sys.path.pop(0)


def test_smoothing_is_exact_on_polynomials_of_its_degree_and_stops_at_the_wall(baselines):
    method = baselines.SavitzkyGolay(X, R, 9, 4, (7, 2))
    psi = X[:, None] ** 4 * (1 + R) + 1j * (R**4 * (2 - X[:, None]))
    out = method(torch.from_numpy(np.stack([psi.real, psi.imag]))[None])[0].numpy()
    np.testing.assert_allclose(out[0], 4 * X[:, None] ** 3 * (1 + R), atol=1e-9)
    np.testing.assert_allclose(out[3], 4 * R**3 * (2 - X[:, None]), atol=1e-9)
    noise = torch.randn(1, 2, 64, 48, dtype=torch.float64)
    changed = torch.where(torch.from_numpy((X[:, None] < 0) & (R > 1)), 5.0, noise)
    moved = (method(noise) != method(changed))[0, 2:].any(dim=0).numpy()
    assert not np.any(moved[np.ix_(X < -0.6, R < 1)])


def test_a_hidden_stencil_is_found(baselines):
    torch.manual_seed(0)
    hidden, fitted = (baselines.FittedStencil(X, R, reach=2, half=0.2) for _ in range(2))
    hidden.stencils.normal_()
    psi = torch.randn(40, 2, 64, 48, dtype=torch.float64)
    fitted.fit(psi[:30], hidden(psi[:30]))
    torch.testing.assert_close(fitted(psi[30:]), hidden(psi[30:]), rtol=1e-6, atol=1e-6)
    far = torch.from_numpy(np.abs(X)[:, None] > 0.2) | torch.from_numpy(np.abs(R - 1) > 0.2)
    assert torch.equal(fitted(psi)[:, :, far], Differences(X, R, 8)(psi)[:, :, far])
