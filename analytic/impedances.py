r"""Impedances of liners as functions of the Helmholtz number, for exp(-i omega t), over rho c.

References
----------
S. W. Rienstra, Impedance models in time domain, including the extended Helmholtz resonator model, AIAA 2006-2686. D.-Y.
Maa, Potential of microperforated panel absorber, J. Acoust. Soc. Am. 104 (1998), 2861-2866, for the perforate's end
corrections; I. B. Crandall, Theory of vibrating systems and sound (1926), for the flow through its holes.
"""

import math

import numpy as np
import numpy.typing as npt
from scipy import special

from .arrays import ComplexArray, FloatArray
from .checks import check_helmholtz_array, check_positive, real_number


def mass_spring(helmholtz: npt.ArrayLike, resistance: float, mass: float, stiffness: float) -> ComplexArray:
    """Z = R - i (m ka - K / ka).

    Parameters
    ----------
    helmholtz : (...) float array, > 0
        ka [-].
    resistance : float, > 0
        R [-].
    mass, stiffness : float, >= 0
        m, as a length of fluid, over the duct's radius; K, over rho c^2 times the inverse radius [-].

    Examples
    --------
    >>> complex(mass_spring(2.0, 1.0, 0.1, 0.4))
    (1+0j)
    """
    ka, resistance = check_helmholtz_array(helmholtz), check_positive(resistance, "resistance")
    mass, stiffness = _not_negative(mass, "mass"), _not_negative(stiffness, "stiffness")
    with np.errstate(all="ignore"):
        return _checked(resistance - 1j * (mass * ka - stiffness / ka), ka)


def helmholtz_resonator(
    helmholtz: npt.ArrayLike,
    resistance: float,
    mass: float,
    depth: float,
    *,
    reactance: float = 1.0,
    damping: float = 0.0,
) -> ComplexArray:
    """Extended Helmholtz resonator: Z = R - i m ka + i beta cot(ka d + i epsilon / 2); Rienstra (2006).

    Parameters
    ----------
    helmholtz : (...) float array, > 0
        ka [-].
    resistance : float, > 0
        R [-].
    mass : float, >= 0
        m, as a length of fluid, over the duct's radius [-].
    depth : float, > 0
        Depth d of the cells [duct radii].
    reactance, damping : float, > 0 and >= 0
        beta and epsilon, of the fluid in the cells [-].
    """
    ka, resistance = check_helmholtz_array(helmholtz), check_positive(resistance, "resistance")
    mass, depth = _not_negative(mass, "mass"), check_positive(depth, "depth")
    reactance, damping = check_positive(reactance, "reactance"), _not_negative(damping, "damping")
    with np.errstate(all="ignore"):
        return _checked(resistance - 1j * mass * ka + 1j * reactance / np.tan(ka * depth + 0.5j * damping), ka)


def perforate(
    helmholtz: npt.ArrayLike,
    *,
    radius: float,
    hole_diameter: float,
    thickness: float,
    open_area: float,
    depth: float,
    sound_speed: float = 343.2,
    density: float = 1.204,
    viscosity: float = 1.813e-5,
) -> ComplexArray:
    """Perforated sheet over cells with a hard back, at low levels and without flow over it.

    Parameters
    ----------
    helmholtz : (...) float array, > 0
        ka [-].
    radius : float
        Radius a of the duct [m].
    hole_diameter, thickness, depth : float
        Of the sheet, and of the cells behind it [m].
    open_area : float, < 1
        Of the holes over the whole area [-].
    sound_speed, density, viscosity : float
        Of the fluid [m/s, kg/m^3, Pa s]; by default of air at 20 degrees Celsius.

    Notes
    -----
    Viscous flow in round holes (Crandall), with Maa's (1998) end corrections of resistance and mass.
    """
    ka = check_helmholtz_array(helmholtz)
    named = {"radius": radius, "hole_diameter": hole_diameter, "thickness": thickness, "open_area": open_area}
    named |= {"depth": depth, "sound_speed": sound_speed, "density": density, "viscosity": viscosity}
    radius, hole_diameter, thickness, open_area, depth, sound_speed, density, viscosity = (
        check_positive(value, name) for name, value in named.items()
    )
    if not open_area < 1:
        raise ValueError(f"the open area must be below one, got open_area={open_area}")
    with np.errstate(all="ignore"):
        omega = ka * sound_speed / radius
        stokes = 0.5 * hole_diameter * np.sqrt(omega * density / viscosity)
        z = np.exp(0.25j * np.pi) * stokes  # sqrt(i) times it: for exp(-i omega t)
        profile = 2 * special.jve(1, z) / (z * special.jve(0, z))
        holes = -1j * omega * thickness / (sound_speed * (1 - profile))
        friction = math.sqrt(2) * viscosity * stokes / (hole_diameter * density * sound_speed)
        ends = friction - 0.85j * omega * hole_diameter / sound_speed
        return _checked((holes + ends) / open_area + 1j / np.tan(omega * depth / sound_speed), ka)


def _checked(impedance: npt.ArrayLike, ka: FloatArray) -> ComplexArray:
    """The impedance, if it is finite."""
    array = np.asarray(impedance, dtype=complex)
    if not np.all(np.isfinite(array)):
        raise ValueError(f"the impedance is not finite for helmholtz={ka[~np.isfinite(array)].flat[0]}")
    return array


def _not_negative(value: object, name: str) -> float:
    number = real_number(value, name)
    if not 0 <= number < math.inf:
        raise ValueError(f"{name} must be finite and not negative, got {name}={value}")
    return number
