"""Numbers of the page as HTML: tiles, tables and notes. What comes from outside is escaped."""

from html import escape

import numpy as np

import analytic

from ..bench import DISTANCES
from ..controls import Mode
from ..picture_grid import ENOUGH
from ..shown import Balance, Directivity, NearField, Reflection, Relevance

NONE = "–"


def sentence(error: Exception | str) -> str:
    """An error's message as a sentence."""
    text = " ".join(str(error).split()).rstrip(".")
    return escape(text[:1].upper() + text[1:] + ".")


def power_of_ten(value: float | None) -> str:
    """1.2 × 10⁻⁷; a dash where there is no value."""
    if value is None:
        return NONE
    digits, exponent = f"{value:.1e}".split("e")
    power = f"{int(exponent)}".replace("-", "−")
    return f'<span class="number">{digits} × 10<sup>{power}</sup></span>'


def degrees(value: complex) -> str:
    """Phase of a complex number."""
    return f"{np.degrees(np.angle(value)):.1f}°".replace("-", "−")


def decibels(value: float) -> str:
    """A level with one decimal."""
    return f"{value:.1f} dB".replace("-", "−") if np.isfinite(value) else NONE


def small(text: str) -> str:
    """Small print of a tile."""
    return f"<small>{text}</small>"


def notice(mode: Mode) -> str:
    """A remark on a mode that the solver accepts; empty for a mode that is cut on."""
    source = mode.source
    if source.cut_on:
        return ""
    where = "at the front of the liner" if mode.liners else "at the open end"
    begins = f"Mode ({source.m}, {source.n}) is cut off: it propagates above ka = {mode.cut_on_helmholtz:.4g}"
    if isinstance(source, analytic.PhysicalMode):
        begins += f", {source.cut_on_frequency:.4g} Hz"
    return f"{begins}. What is shown is its evanescent field, of amplitude one {where}; it carries no power of its own."


def modulus(value: complex) -> str:
    """Modulus with five decimals; of larger and smaller ones five digits."""
    size = abs(value)
    return f"{size:.5f}" if 1e-3 <= size < 1e4 or size == 0 else f"{size:.4e}"


def reflection(mode: Mode, found: Reflection) -> dict[str, str]:
    """Tiles of the reflection into the mode itself and of the end correction, and a table of all orders."""
    own = found.into[mode.source.n]
    if found.thin is not None:
        thin = found.thin.into[mode.source.n]
        before = "" if found.thin.end_correction is None else f"; thin wall {found.thin.end_correction:.5f} a"
        words = f"by the network, of p; thin wall {modulus(thin.pressure)}"
        end = NONE if found.end_correction is None else f"{found.end_correction:.5f} a"
        return {
            "reflection-tile": modulus(own.pressure) + small(words),
            "end-correction": end + small(f"of the plane wave{before}" if before else "plane wave only"),
            "reflection": _table(mode, found),
            "reflection-note": "at the lip, by the network",
        }
    tile = modulus(own.pressure) + small(f"of p, phase {degrees(own.pressure)}; of ψ {modulus(own.potential)}")
    end = NONE if found.end_correction is None else f"{found.end_correction:.5f} a"
    words = "plane wave only" if found.end_correction is None else "of the plane wave"
    words = "not behind liners" if mode.liners else words
    place = "at the front of the liner" if mode.liners else "at the open end"
    return {
        "reflection-tile": tile,
        "end-correction": end + small(words),
        "reflection": _table(mode, found),
        "reflection-note": place,
    }


def learned_reflection(exact: complex, surrogate: complex) -> str:
    """What the surrogate of jets makes of the mode's own reflection."""
    return f"surrogate: |R| of ψ {modulus(surrogate)}, off by {power_of_ten(abs(surrogate - exact))}"


def _table(mode: Mode, found: Reflection) -> str:
    """Reflection into all orders."""
    largest = max(abs(row.pressure) for row in found.into) or 1.0
    rows = []
    for row in found.into:
        share = 100 * abs(row.pressure) / largest
        mine = ' class="own"' if row.order == mode.source.n else ""
        cut_on = "<td>cut on</td>" if row.cut_on else '<td class="off">cut off</td>'
        rows.append(
            f'<tr{mine}><th scope="row">({mode.source.m}, {row.order})</th>{cut_on}'
            f'<td>{modulus(row.pressure)}<div class="bar" style="width:{share:.1f}%"></div></td>'
            f"<td>{degrees(row.pressure)}</td><td>{modulus(row.potential)}</td></tr>"
        )
    names = ("into", "", "|R| of p", "phase", "|R| of ψ")
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def power(found: Balance) -> dict[str, str]:
    """Tiles of the radiated power and of the balance, and where the incident power goes."""
    if found.missing:
        return {"radiated": NONE, "residual": NONE + small("no balance"), "shares": f"<p>{sentence(found.missing)}</p>"}
    residual = power_of_ten(abs(found.residual)) + small("residual, relative")
    if not found.incident:
        tile = f"{found.radiated:.3g}" + small("no power is incident")
        return {"radiated": tile, "residual": residual, "shares": ""}
    names = ("radiated", "reflected", "absorbed", "vortical")
    values = {name: getattr(found, name) / found.incident for name in names}
    shares = {name: share for name, share in values.items() if share or name in ("radiated", "reflected")}
    loss = "" if found.loss is None else f"; transmission loss {found.loss:.2f} dB"
    tile = f"{shares['radiated']:.2%}" + small(f"of the incident power{loss}")
    bars = "".join(
        f'<div class="{name}" style="width:{100 * max(share, 0):.2f}%"></div>' for name, share in shares.items()
    )
    words = " ".join(f'<span class="{name}">{name} {share:.2%}</span>' for name, share in shares.items())
    title = "<h2>Where the incident power goes</h2>"
    return {
        "radiated": tile,
        "residual": residual,
        "shares": f'{title}<div class="stack" aria-hidden="true">{bars}</div><p>{words}</p>',
    }


def clipped(limit: float, largest: float) -> str:
    """What has to be said where the colours end before the field."""
    return f"colours end at ±{limit:.2g}, the field at {power_of_ten(largest)}"


def field(mode: Mode, found: NearField, limit: float, largest: float | None, clickable: bool) -> str:
    """What has to be said about the picture of a near field."""
    notes = ["click on a point for its relevance"] if clickable else []
    if largest is not None:
        notes.append(f"<strong>{clipped(limit, largest)}</strong>")
    if found.points < ENOUGH:
        notes.append(f"<strong>only {found.points:.1f} points per shortest wavelength</strong>")
    if found.left_out:
        notes.append(f"{found.left_out} columns at the liner's ends are left out: sums of modes do not converge there")
    if mode.liners:
        notes.append("green: liner")
    if mode.lip is not None:
        notes.append(
            "<strong>of the infinitely thin wall: there is no field at a lip here, elements are too slow</strong>"
        )
    return "; ".join(notes)


def directivity(found: Directivity) -> dict[str, str]:
    """Note on the surrogate and on what levels refer to, and the tile of the loudest direction."""
    level, angle = found.peak
    reference = escape(found.exact.reference.replace("20 uPa", "20 µPa"))
    if found.surrogate is None:
        note = sentence(found.reason)
    elif found.lip:
        bar = f"error bar {power_of_ten(found.bar)}, relative L2 over the sphere"
        note = f"with the lip by the network, {bar}; the thin wall exact"
    else:
        bar = "no error bar" if found.bar is None else f"error bar {power_of_ten(found.bar)}"
        note = f"surrogate off by {power_of_ten(found.error)}, relative L2; {bar}"
    loudest = decibels(level) + small(f"at {angle:.0f}°, {reference}") if np.isfinite(level) else NONE
    loudest = NONE if found.lip and found.surrogate is None else loudest
    return {"directivity-note": f"{note} <span>({reference})</span>", "loudest": loudest}


def relevance(found: Relevance, name: str) -> str:
    """The numbers of the relevance map, in words."""
    near = float(np.interp(0.1, DISTANCES, found.within))
    x, r = found.at
    methods = ", ".join(f"{method} {share:.0%}" for method, share in found.shares.items() if share >= 0.005)
    return (
        f"|{name}| = {found.value:.4g} c at x = {x:.3f} a, r = {r:.3f} a; {near:.0%} within 0.1 a, {found.across:.0%} "
        f"across the wall; {methods}"
    )
