r"""Bessel and Hankel functions of one order at many complex arguments, several times faster than one by one.

The spectra of a near field need J_m, H_m = H_m^(1) and their derivatives at r gamma for every radius r and every node
gamma of a contour: ten thousand arguments for one m. Here they come from tables, made once for each m.

Both functions are symmetric about the imaginary axis, J_m also about the real one, and H_m follows from both below
it, so that the quadrant Re z >= 0, Im z >= 0 suffices. Three regimes remain:

near     |z| < R = 20 + 1.2 m: Taylor series about the closest point of a square lattice of
             Lambda(z) = m! (2/z)^m J_m(z)    and    G(z) = (z/2)^m / m! e^{-iz} H_m(z),
         which change by no more than a factor e or so over a distance 1, at z << m as at z >> m (in place of m! 2^m
         the code has a power of two that is near). The lattice has the spacing 1; for G, which has a branch point at
         0, a quarter of that in |z| < 8.
far      |z| >= R: Debye's expansion, with q = 1/s, s = sqrt(z^2 - m^2), E = e^{i(s - z)} ((s + im)/z)^m:
             H_m ~ sqrt(2 q/pi) e^{i(z - m pi/2 - pi/4)} E A(q),    H_m' ~ i (s/z) sqrt(2 q/pi) ... E B(q).
         Re-ordered by powers of q for the one m, A and B are polynomials whose even coefficients are real and whose
         odd ones are imaginary; those of H^(2) are their conjugates. For small m Hankel's expansion, which has q = 1/z
         and E = 1, is as short and costs less.
small    |z| < 2, H only: J_m (1 + 2i/pi log(z/2)) and a power series.

References
----------
NIST Digital Library of Mathematical Functions (DLMF), chapter 10: 10.6.6 derivatives of z^m H_m, 10.8.1 power series,
10.17 Hankel's expansion, 10.19.6-7 and 10.41.7-9 Debye's. Reflections: 10.11.
"""

from .evaluation import LARGEST_ORDER, bessel, hankel
from .pairs import bessel_pair, hankel_pair

__all__ = ["LARGEST_ORDER", "bessel", "bessel_pair", "hankel", "hankel_pair"]
