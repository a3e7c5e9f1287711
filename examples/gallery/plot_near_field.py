"""
Near field, wall and lip
========================

The picture shows the pressure of mode (2, 0) at ka = 5 around the open end. The wall is the line r = 1, x < 0. The
sound does not pass through it: it leaves the duct, and part of it travels upstream outside.

At the lip the velocity is unbounded; it grows like the distance ρ to the power of −1/2. This is why finite
differences fail there, whatever their order.
"""

import matplotlib.pyplot as plt
import numpy as np

from analytic import DuctMode, solve

solution = solve(DuctMode(m=2, n=0, helmholtz=5.0))
x, r = np.linspace(-2, 2, 240), np.linspace(0.005, 2, 120)
field = solution.field(x, r)
print(f"error estimate of the field: {field.error_estimate:.0e}")

# %%
# The growth towards the lip, on a ray at 60 degrees to the axis, and the slope between the two closest points:

distance = np.geomspace(1e-5, 0.5, 40)
angle = np.radians(60)
ray = solution.at(distance * np.cos(angle), 1 + distance * np.sin(angle))
speed = np.hypot(np.abs(ray.axial_velocity), np.abs(ray.radial_velocity))
RESULT = np.log(speed[1] / speed[0]) / np.log(distance[1] / distance[0])
print(f"exponent at the lip: {RESULT:.3f}")

# %%

figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.6), layout="constrained", width_ratios=(1.6, 1))
image = left.pcolormesh(x, r, field.pressure.real.T, cmap="RdBu_r", vmin=-5, vmax=5, shading="gouraud", rasterized=True)
left.plot([-2, 0], [1, 1], color="black", lw=2.5, solid_capstyle="butt")
left.set(xlabel="x / a", ylabel="r / a", title="near field", aspect="equal")
figure.colorbar(image, ax=left, shrink=0.8, label="Re p [ρ c²]")
right.loglog(distance, speed, color="#0072B2", label="|velocity|")
right.loglog(distance, speed[0] * np.sqrt(distance[0] / distance), "k:", lw=0.9, label="ρ to the power of −1/2")
right.set(xlabel="distance ρ to the lip [radii]", ylabel="|velocity| [c]", title="60 degrees from the axis")
right.grid(alpha=0.3)
right.legend()
plt.show()
