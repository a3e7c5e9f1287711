"""
Reflection and end correction
=============================

A plane wave is reflected at the open end of a pipe with R = −\\|R\\| exp(2 i ka l): it is weaker, and its phase is
that of a pipe longer by l, the end correction. Levine and Schwinger solved this problem in 1948 and printed the
low-frequency limit l = 0.6133 radii; later quadrature gives 0.6127. The solver gives both curves and the limit.
"""

import matplotlib.pyplot as plt
import numpy as np

from analytic import DuctMode, solve

helmholtz = np.linspace(0.01, 3.8, 96)
solutions = [solve(DuctMode(m=0, n=0, helmholtz=ka)) for ka in helmholtz]
modulus = [abs(solution.reflection[0]) for solution in solutions]
length = [solution.end_correction for solution in solutions]

# %%
# The limit, at a frequency low enough for six digits:

RESULT = solve(DuctMode(m=0, n=0, helmholtz=1e-4)).end_correction
print(f"end correction at ka = 0.0001: {RESULT:.6f} radii")

# %%
# The power that is not reflected is radiated; its share grows with frequency.

figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
axes.plot(helmholtz, modulus, color="#0072B2", label="|R|")
axes.plot(helmholtz, length, color="#D55E00", label="end correction l / a")
axes.axhline(0.6133, color="black", lw=0.8, ls=":", label="0.6133, printed in 1948")
axes.set(xlabel="Helmholtz number ka", xlim=(0, 3.8), ylim=(0, 1.05))
axes.grid(alpha=0.3)
axes.legend()
plt.show()
