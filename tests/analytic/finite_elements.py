r"""Finite-element judge of the Wiener–Hopf solver: the same duct, with no formula of the `analytic` package.

Helmholtz's equation for phi(x, r) exp(i m varphi - i omega t), no flow, lengths in duct radii, weighted by r:

    int (phi_x v_x + phi_r v_r + (m^2/r^2 - K^2) phi v) r dx dr = int dphi/dn v r ds.

Quadrilaterals of degree p from scikit-fem, in geometric rings around the lip, vertices doubled along the wall. Outside
the duct, beyond |x| = length and r = radius, the coordinates turn complex (a perfectly matched layer). At x = -length
the duct ends in its own modes, the eigenvectors of the section's finite elements, each of which leaves as exp(-i kappa
x); there the incident mode comes in. Unknowns inside elements are eliminated before the sparse LU.

Uniform flow without a wake is the same problem in X = x / beta, K = ka / beta, beta = sqrt(1 - M^2).
"""

import itertools
import time

import numpy as np
from scipy import linalg, sparse, special
from scipy.sparse.linalg import splu
from skfem import CellBasis, ElementQuadP, FacetBasis, MeshQuad

RING = 0.15  # each ring around the lip is so much smaller than the one outside it
DECAY = 10.0  # a wave that meets the matched layer head-on arrives at its end exp(-DECAY) times as high
SMALLEST = 1e-6  # K sin(theta) of directions along the axis, where Hankel functions grow
CLOSE = 1e-9  # coordinates that differ by less are equal [radii]
# The matrix is complex symmetric and, but for the section's modes, local: pivots off the diagonal would fill it.
LU = {"permc_spec": "MMD_AT_PLUS_A", "diag_pivot_thresh": 0.0, "options": {"SymmetricMode": True}}


def solve_finite_elements(
    m,
    n,
    helmholtz,
    *,
    hub=0.0,
    length=1.0,
    radius=1.5,
    degree=8,
    cell=None,
    depth=None,
    rings=6,
    liner=None,
    layers=0,
    hub_ratio=0,
):
    """Solve for the sound of duct mode (m, n) of unit potential at the wall, phase zero at the open end.

    Parameters
    ----------
    m, n : int >= 0
        Azimuthal order, radial order ((0, 0) is the plane wave without a hub, and with one).
    helmholtz : float
        Helmholtz number ka [-].
    hub : float in [0, 1)
        Radius of a hard centre body from x = -infinity to infinity [radii].
    length, radius : float
        The field is computed in |x| <= length, r <= radius, and radius > 1 [radii].
    degree : int >= 3
        Degree p of the elements.
    cell : float, optional
        Longest side of an element [radii]; by default 1.2 wavelengths, but at most 0.5.
    depth : float, optional
        Thickness of the matched layer [radii]; by default two elements, and at least 2 / K.
    rings : int
        Rings of elements around the lip.
    liner : (complex, float, float) or (complex, float, float, float), optional
        phi_r over phi at the wall inside the duct, between two x, where the elements' edges then are; with a Mach
        number M, in uniform flow, see `FiniteElements._wall`. `directivity` holds for theta > pi / 2 only.
    layers : int
        Layers of ever thinner elements along the wall, and across it at the lip and at the ends of the liner.
    hub_ratio : complex
        phi_r over phi at the hub, all along. `directivity` holds for theta > pi / 2 only, and `reflection` has
        the first three modes, in order of |gamma|.

    Returns
    -------
    FiniteElements
    """
    cell = min(1.2 * 2 * np.pi / helmholtz, 0.5) if cell is None else cell
    depth = max(2 * cell, 2 / helmholtz) if depth is None else depth
    return FiniteElements(m, n, helmholtz, hub, length, radius, degree, cell, depth, rings, liner, layers, hub_ratio)


class FiniteElements:
    """Solution by finite elements.

    Attributes
    ----------
    reflection : complex (order,)
        Potential amplitudes, at the wall and x = 0, of the cut-on radial orders that return.
    norm, wavenumber : (order,) arrays
        Of the cut-on radial orders: integral of the squared mode times r, one at the wall; axial wavenumber kappa.
    unknowns : (int, int)
        Before and after the elimination inside the elements.
    seconds : dict of str to float
        Wall time of the mesh, of the assembly with the elimination, of the factorisation with the solution.
    """

    def __init__(self, m, n, helmholtz, hub, length, radius, degree, cell, depth, rings, liner, layers, hub_ratio=0):
        self._m, self._n, self._k, self._hub, self._length, self._radius = m, n, helmholtz, hub, length, radius
        self._slope = 1j * DECAY / (helmholtz * depth)  # of the layer's coordinates
        self._element, self._points = ElementQuadP(degree), 2 * degree + 2
        times = [time.perf_counter()]

        mesh = _mesh(hub, length, radius, cell, depth, rings, () if liner is None else liner[1:3], layers)
        self._basis = basis = CellBasis(mesh, self._element, intorder=1)  # numbers the unknowns, finds points
        times.append(time.perf_counter())

        first, copies = _distinct(mesh, length)
        distinct = CellBasis(mesh, self._element, intorder=self._points, elements=first)
        _, dx, r, dr = self._stretched(distinct)
        local = _local(distinct, r * dr / dx, r * dx / dr, (m**2 / r**2 - helmholtz**2) * r * dx * dr)
        border = 4 * degree  # functions that live on the border come first, in an element and in all
        inner = -np.linalg.solve(local[:, border:, border:], local[:, border:, :border])
        local = (local[:, :border, :border] + local[:, :border, border:] @ inner)[copies]
        dofs = basis.element_dofs[:border].T
        size = int(basis.N - basis.interior_dofs.size)
        axis = basis.get_dofs(lambda p: p[1] < -1 + CLOSE).all() if m > 0 and hub == 0 else []
        free = np.setdiff1d(np.arange(size), axis)
        self._open_section(free, hub_ratio)
        block, right = self._section_condition()
        matrix = _gather(dofs, local, size) + _gather(self._on[None], block[None], size)
        if liner is not None:
            matrix = matrix + self._wall(border, size, *liner)
        if hub_ratio:
            matrix = matrix + self._lined_hub(border, size, hub_ratio)
        times.append(time.perf_counter())

        source = np.zeros(size, complex)
        source[self._on] = right
        self._phi = np.zeros(basis.N, complex)
        self._phi[free] = splu(matrix[free][:, free].tocsc(), **LU).solve(source[free])
        self._phi[basis.element_dofs[border:].T] = (inner[copies] @ self._phi[dofs][:, :, None])[:, :, 0]
        times.append(time.perf_counter())

        above = mesh.p[1, mesh.t].mean(axis=0) > 0
        self._flux = np.zeros_like(self._phi)  # minus int phi_r v dx over r = 1, x > 0: the outside's residual
        np.add.at(self._flux, dofs[above], (local[above] @ self._phi[dofs[above]][:, :, None])[:, :, 0])
        cut_on = np.arange(len(self._kappa)) < 3 if hub_ratio else self._kappa.imag == 0
        self.norm, self.wavenumber = self._norms[cut_on], self._kappa[cut_on] if hub_ratio else self._kappa[cut_on].real
        total = self._mode_products.T @ self._phi[self._on] / self._norms
        self._reflected = total - self._incident  # amplitudes at x = -length
        self.reflection = self._reflected[cut_on] * np.exp(-1j * self.wavenumber * length)
        self.unknowns = int(basis.N), len(free)
        self.seconds = dict(zip(("mesh", "assembly", "solution"), np.diff(times).tolist(), strict=True))

    def _stretched(self, basis):
        """Complex coordinates and their derivatives at a basis's points: x, dx, r, dr."""
        x, y = basis.global_coordinates()
        beyond_x, beyond_r = np.maximum(np.abs(x) - self._length, 0), np.maximum(1 + y - self._radius, 0)
        return (
            x + self._slope * np.sign(x) * beyond_x,
            1 + self._slope * (beyond_x > 0),
            1 + y + self._slope * beyond_r,
            1 + self._slope * (beyond_r > 0),
        )

    def _facets(self, where):
        """Basis on the facets that fulfil where(x, y, above): midpoint (x, y = r - 1), element above r = 1 or below."""
        mesh = self._basis.mesh
        x, y = mesh.p[:, mesh.facets].mean(axis=1)
        above = mesh.p[1, mesh.t[:, mesh.f2t[0]]].mean(axis=0) > 0
        return FacetBasis(mesh, self._element, facets=np.flatnonzero(where(x, y, above)), intorder=self._points)

    # The section x = -length of the duct

    def _open_section(self, free, hub_ratio):
        """The section's basis, its unknowns, and its modes: one at the wall, mass times mode, norm, wavenumber."""
        self._section = basis = self._facets(lambda x, y, above: (np.abs(x + self._length) < CLOSE) & (y < 0))
        r = 1 + basis.global_coordinates()[1]
        self._on = on = np.intersect1d(basis.get_dofs(basis.find).all(), free)
        stiffness, mass = (
            _gather(basis.element_dofs.T, _local(basis, *weights), self._basis.N)[on][:, on].toarray().real
            for weights in ((0, r, self._m**2 / r), (0, 0, r))
        )
        if hub_ratio:
            at_hub = np.abs(self._basis.doflocs[1, on] - (self._hub - 1)) < CLOSE
            stiffness = stiffness + np.diag(np.where(at_hub, hub_ratio * self._hub, 0))
            eigenvalues, modes = linalg.eig(stiffness, mass)
            order = np.argsort(np.abs(eigenvalues))
            eigenvalues, modes = eigenvalues[order], modes[:, order]
        else:
            eigenvalues, modes = linalg.eigh(stiffness, mass)
        self._modes = modes / modes[np.nanargmax(self._basis.doflocs[1, on])]
        self._mode_products = mass @ self._modes
        self._norms = np.sum(self._modes * self._mode_products, axis=0)
        self._kappa = np.sqrt(self._k**2 - eigenvalues + 0j)
        self._incident = np.zeros_like(self._kappa)  # amplitudes at x = -length
        self._incident[self._n] = np.exp(-1j * self._kappa[self._n] * self._length)

    def _section_condition(self):
        """phi_x = sum i kappa (2 incident - total) mode, tested: the matrix of the total, the incident's vector."""
        weights = 1j * self._kappa / self._norms
        block = -(self._mode_products * weights) @ self._mode_products.T
        return block, -self._mode_products @ (2j * self._kappa * self._incident)

    def _wall(self, border, size, ratio, start, stop, mach=0.0):
        """Minus int phi_r v dx of a liner on the inner side of the wall.

        In flow phi_r = ratio (1 + (i M / K) d/dx)^2 phi (Myers), one of whose derivatives goes to v: the wall does not
        move at the liner's ends, so that nothing is left there.
        """
        basis = self._facets(lambda x, y, above: (start < x) & (x < stop) & (np.abs(y) < CLOSE) & ~above)
        local = _local(basis, 0, 0, np.full((basis.nelems, basis.dx.shape[1]), -ratio))
        if mach:
            weight = basis.dx[:, None, :]
            value, slope = (
                np.stack([np.broadcast_to(f, basis.dx.shape) for f in shapes], axis=1)
                for shapes in ([f[0] for f in basis.basis], [f[0].grad[0] for f in basis.basis])
            )
            mixed = (value * weight) @ slope.transpose(0, 2, 1)  # v_i, d/dx of phi_j
            along = (slope * weight) @ slope.transpose(0, 2, 1)
            local = local - ratio * (
                (1j * mach / self._k) * (mixed - mixed.transpose(0, 2, 1)) + (mach / self._k) ** 2 * along
            )
        return _gather(basis.element_dofs[:border].T, local[:, :border, :border], size)

    def _lined_hub(self, border, size, ratio):
        """Int phi_r v h dx along the hub."""
        basis = self._facets(lambda x, y, above: np.abs(y - (self._hub - 1)) < CLOSE)
        local = _local(basis, 0, 0, ratio * self._hub * self._stretched(basis)[1])
        return _gather(basis.element_dofs[:border].T, local[:, :border, :border], size)

    # Fields

    def field(self, x, r):
        """Potential at points off the wall; x and r broadcast together [radii]: complex array.

        Raises
        ------
        ValueError
            A point is outside |x| <= length, hub <= r <= radius.
        """
        x, r = self._within(x, r)
        return (self._basis.probes(np.array([x.ravel(), r.ravel() - 1])) @ self._phi).reshape(x.shape)

    def gradient(self, x, r):
        """Derivatives of the potential with respect to x and r, those of the elements' polynomials; see `field`."""
        x, r = self._within(x, r)
        points, basis = np.array([x.ravel(), r.ravel() - 1]), self._basis
        cells = basis.mesh.element_finder(mapping=basis.mapping)(*points)
        local = basis.mapping.invF(points[:, :, None], tind=cells)
        total = np.zeros((2, points.shape[1]), complex)
        for number, dofs in enumerate(basis.element_dofs):
            slope = self._element.gbasis(basis.mapping, local, number, tind=cells)[0].grad
            total += slope[:, :, 0] * self._phi[dofs[cells]]
        return total[0].reshape(x.shape), total[1].reshape(x.shape)

    def _within(self, x, r):
        """x and r as arrays of one shape, in the window."""
        x, r = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(r, dtype=float))
        if np.any((np.abs(x) > self._length) | (r > self._radius) | (r < self._hub)):
            raise ValueError(f"points must lie in |x| <= {self._length}, {self._hub} <= r <= {self._radius}")
        return x, r

    def directivity(self, theta):
        r"""Directivity D: phi -> D(theta) exp(i K rho) / rho far away.

        Green's formula with w, the part of order m of a plane wave exp(i s x), s = -K cos(theta), and of what a hard
        cylinder scatters of it. For theta <= pi / 2 the cylinder is the hub, and the jump of phi across the wall and
        the duct's section radiate; beyond, it is r = 1, and the radial velocity on r = 1, x > 0 does:

            D = (-i)^m / 2 [int (phi_outside - phi_inside) w_r dx + int (phi w_x - phi_x w) r dr],
            D = -(-i)^m / 2 int phi_r w dx.

        So both integrals decay in the matched layer.

        Parameters
        ----------
        theta : (angle,) float array
            Polar angle [rad], 0 downstream, in [0, pi].

        Returns
        -------
        (angle,) complex array
            D [-].
        """
        theta = np.asarray(theta, dtype=float)
        ahead = theta <= np.pi / 2
        result = np.empty(theta.shape, complex)
        for part, radiated in ((ahead, self._jump_and_section), (~ahead, self._velocity)):
            s, gamma = -self._k * np.cos(theta[part]), np.maximum(self._k * np.sin(theta[part]), SMALLEST)
            result[part] = (-1j) ** self._m / 2 * radiated(s, gamma)
        return result

    def _jump_and_section(self, s, gamma):
        m, hub, basis = self._m, self._hub, self._section
        r = 1 + basis.global_coordinates()[1].ravel()
        wave, slope = special.jv(m, np.multiply.outer(gamma, r)), gamma * special.jvp(m, gamma)
        if hub > 0:
            scattered = special.jvp(m, gamma * hub) / special.h1vp(m, gamma * hub)
            wave = wave - scattered[:, None] * special.hankel1(m, np.multiply.outer(gamma, r))
            slope = slope - scattered * gamma * special.h1vp(m, gamma)
        derivative = np.zeros_like(self._phi)
        derivative[self._on] = self._modes @ (1j * self._kappa * (self._incident - self._reflected))
        phi, phi_x = (basis.interpolate(f).ravel() for f in (self._phi, derivative))
        section = (wave * (1j * s[:, None] * phi - phi_x)) @ (r * basis.dx.ravel())
        outside, inside = (
            self._transform(self._facets(lambda x, y, above, side=side: (above == side) & (x < 0) & (y == 0)), s)
            for side in (True, False)
        )
        return slope * (outside - inside) + np.exp(-1j * s * self._length) * section

    def _velocity(self, s, gamma):
        basis = self._facets(lambda x, y, above: (x > 0) & (y == 0))
        on = basis.get_dofs(basis.find).all()
        mass = _gather(basis.element_dofs.T, _local(basis, 0, 0, self._stretched(basis)[1]), self._basis.N)
        velocity = np.zeros_like(self._phi)
        velocity[on] = -splu(mass[on][:, on].tocsc(), **LU).solve(self._flux[on])
        wave = 2j / (np.pi * gamma * special.h1vp(self._m, gamma))  # on r = 1, by the Wronskian
        return -wave * self._transform(basis, s, velocity)

    def _transform(self, basis, s, function=None):
        """int phi exp(i s x) dx, or of another function, along facets of r = 1."""
        values = basis.interpolate(self._phi if function is None else function)
        x, dx, _, _ = self._stretched(basis)
        return np.exp(1j * np.multiply.outer(s, x.ravel())) @ (values * dx * basis.dx).ravel()


def _mesh(hub, length, radius, cell, depth, rings, marks, layers):
    """Rectangles, but for rings of trapezia around the lip; vertices with r = 1, x < 0 belong to one side.

    In coordinates (x, y = r - 1), where the smallest elements keep their digits. Edges are at the marks, in x < 0, with
    layers beside them and the lip.
    """

    def lines(*stops):
        counts = [int(np.ceil((b - a) / cell - CLOSE)) for a, b in itertools.pairwise(stops)]
        pieces = [np.linspace(a, b, c + 1) for (a, b), c in zip(itertools.pairwise(stops), counts, strict=True)]
        return np.unique(np.concatenate(pieces))

    thin = 0.5 * cell * RING ** np.arange(layers)
    beside = np.unique([mark + step for mark in (*marks, 0.0) for step in (0.0, *thin, *-thin)])
    x, y = (
        lines(-length - depth, -length, *beside, length, length + depth),
        lines(hub - 1, *-thin, 0, *thin[::-1], radius - 1, radius - 1 + depth),
    )
    boxes = [(a, b, c, d) for a, b in itertools.pairwise(x) for c, d in itertools.pairwise(y) if a >= -length or c >= 0]
    rectangles = np.array([[(a, c), (b, c), (b, d), (a, d)] for a, b, c, d in boxes])
    at_lip = np.any(np.all(rectangles == 0, axis=2), axis=1)
    inmost = rectangles[at_lip]
    # Opposite sides run the same way in all elements, so that odd functions on shared sides agree.
    sides = [box[[i, j]] for box in inmost for i, j in ((0, 1), (1, 2), (3, 2), (0, 3))]
    scales = RING ** np.arange(rings + 1)  # of the squares' corners: exactly equal in both of a square's rings
    trapezia = [
        np.array([b * p, b * q, a * q, a * p])
        for a, b in itertools.pairwise(scales)
        for p, q in sides
        if p.any() and q.any()
    ]
    corners = np.concatenate([rectangles[~at_lip], trapezia, scales[-1] * inmost])
    outside = corners[:, :, 1].mean(axis=1, keepdims=True) > 0
    outside_wall = outside & (corners[:, :, 1] == 0) & (corners[:, :, 0] < 0)
    keys = np.concatenate([corners, outside_wall[:, :, None]], axis=2).reshape(-1, 3)
    _, first, vertices = np.unique(keys + 0.0, axis=0, return_index=True, return_inverse=True)
    return MeshQuad(np.ascontiguousarray(keys[first, :2].T), np.ascontiguousarray(vertices.reshape(-1, 4).T))


def _distinct(mesh, length):
    """Elements without those that are shifted copies along x, of equal matrices; and which of them each one copies."""
    x, y = mesh.p[:, mesh.t]
    in_layer = np.any(np.abs(x) > length + CLOSE, axis=0)
    shapes = np.round(np.concatenate([np.where(in_layer, x, x - x[0]), y]), 12) + 0.0
    return np.unique(shapes, axis=1, return_index=True, return_inverse=True)[1:]


def _local(basis, along, across, direct):
    """Element matrices (element, i, j) of along u_x v_x + across u_r v_r + direct u v; weights (element, point) or 0.

    Those of the library's forms, which loop over i and j: matrix products take a fifth of the time.
    """
    functions = [f[0] for f in basis.basis]
    total = np.zeros((basis.nelems, basis.Nbfun, basis.Nbfun), complex)
    for weight, shapes in (
        (along, [f.grad[0] for f in functions]),
        (across, [f.grad[1] for f in functions]),
        (direct, functions),
    ):
        weight = np.asarray(weight * basis.dx)[:, None, :]
        shape = np.stack(np.broadcast_arrays(*shapes), axis=1)  # (element, function, point)
        for part, unit in ((weight.real, 1), (weight.imag, 1j)):
            some = np.any(part, axis=(1, 2))  # real outside the layer
            total[some] += unit * ((shape[some] * part[some]) @ shape[some].transpose(0, 2, 1))
    return total


def _gather(dofs, local, size):
    """Sparse matrix of element matrices (element, i, j) of unknowns dofs (element, i)."""
    rows, columns = np.broadcast_arrays(dofs[:, :, None], dofs[:, None, :])
    return sparse.coo_matrix((local.ravel(), (rows.ravel(), columns.ravel())), (size, size)).tocsr()
