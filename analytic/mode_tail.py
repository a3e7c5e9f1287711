r"""Sums over all duct modes of high order, by a quadrature over their radial orders.

Where a liner ends at the lip, or at another liner, amplitudes of hard-walled modes in between fall like a power of the
radial order n that the edge determines, and a truncated sum converges like N^-1.6. They are smooth functions of n:
panels n = N ... 2 N - 1 need a few of the orders, weighted such that polynomials are summed exactly, as Gauss's rule
does with an integral. Panels up to n = 10^8 leave less than 10^-12 of a sum. No exponent is assumed.
"""

from functools import lru_cache

import numpy as np

from .arrays import FloatArray, IntArray

_LAST = 1 << 27  # of the orders: (1e8)^-1.6 = 2e-13
# ln of the rule's error aimed at, and of the decay with each order: the singularity at n = 0 is 3 half-widths from the
# middle of a panel, 3 + sqrt(8) = e^1.76. Where orders are many, rounding nodes to them leaves Gauss's rule, of twice
# the degree, nearly intact.
_AIM, _RATE, _LEAST = 36.0, 1.76, 8
_FEWER = 3  # nodes of a panel left out for the error estimate
_LISTED = 1 << 17  # orders in a panel up to which polynomials are summed one by one


@lru_cache(maxsize=256)
def tail_rule(start: int) -> tuple[IntArray, FloatArray, FloatArray]:
    """Orders from `start` on, their weights, and those of a rule with fewer nodes: 0 for nodes that it leaves out."""
    orders, weights, fewer = [], [], []
    while start < _LAST:
        length = start
        count = max(int(np.ceil((_AIM - np.log(length)) / _RATE)), _LEAST)
        if length <= 2 * count:
            node = np.arange(length)
            weight = coarse = np.ones(length)
        else:
            node = _nodes(length, count)
            weight, coarse = _weights(node, length), np.zeros(len(node))
            wanted = _nodes(length, len(node) - _FEWER)
            kept = np.unique(np.argmin(np.abs(node - wanted[:, None]), axis=1))
            coarse[kept] = _weights(node[kept], length)
        orders.append(start + node)
        weights.append(weight)
        fewer.append(coarse)
        start += length
    fewer[-1] = np.zeros(len(fewer[-1]))  # nor the last panel
    found = np.concatenate(orders), np.concatenate(weights), np.concatenate(fewer)
    for one in found:
        one.flags.writeable = False
    return found


def _nodes(length: int, count: int) -> IntArray:
    """Integers in [0, length) next to the nodes of Gauss's rule."""
    place = 0.5 * length * (1 + np.polynomial.legendre.leggauss(count)[0]) - 0.5
    return np.unique(np.clip(np.rint(place), 0, length - 1).astype(np.int64))


def _weights(node: IntArray, length: int) -> FloatArray:
    """Weights with which polynomials are summed over all integers in [0, length) exactly."""
    degree = np.arange(len(node))
    if length <= _LISTED:
        moments = np.polynomial.legendre.legvander(_scaled(np.arange(length), length), len(node) - 1).sum(axis=0)
    else:  # Euler and Maclaurin's formula, about the middle of the intervals; P_j'(1) = j (j + 1) / 2
        moments = np.where(degree == 0, float(length), -(1 - degree % 2) * degree * (degree + 1) / (12.0 * length))
    matrix = np.polynomial.legendre.legvander(_scaled(node, length), len(node) - 1)
    return np.linalg.solve(matrix.T, moments)


def _scaled(n: IntArray, length: int) -> FloatArray:
    return (2 * n - (length - 1)) / length
