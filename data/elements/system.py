r"""Helmholtz's equation by finite elements of high degree, for all incident modes at once.

For phi(X, r) exp(i m varphi - i omega t), lengths in duct radii, weighted by r:

    int (phi_X v_X + phi_r v_r + (m^2/r^2 - K^2) phi v) r dX dr = int dphi/dn v r ds.

In the matched layer the coordinates are complex. At the section X = left the duct ends in its own modes, the
eigenvectors of the section's finite elements, each of which leaves as exp(-i kappa X); there the incident modes come
in. Unknowns inside elements are eliminated before the sparse LU.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.linalg import splu

from analytic.arrays import BoolArray, ComplexArray, FloatArray, IntArray

from .mesh import Window

if TYPE_CHECKING:
    import ngsolve

# The matrix is complex symmetric and, but for the section's modes, local: pivots off the diagonal would fill it.
_LU = {"permc_spec": "MMD_AT_PLUS_A", "diag_pivot_thresh": 0.0, "options": {"SymmetricMode": True}}
_DECAY = 14.0  # a wave that meets the matched layer head-on arrives at its end exp(-_DECAY) times as high
LAYER_ERROR = 0.2 * float(
    np.exp(-_DECAY)
)  # of R and D, from the layer: at most half of it was seen (benchmarks/lips.py)


class Traces:
    """Galerkin solution of some degree, where it is needed: at the section, the wall and the line.

    Attributes
    ----------
    phi : (unknown, order) complex array
        Coefficients of all functions that are not inside elements; zero elsewhere.
    slope : (unknown, order) complex array
        Coefficients of phi_X at the section.
    flux : (unknown, order) complex array
        Coefficients of r phi_r on the line.
    reflection : (order, order) complex array
        Potential amplitudes at the wall and X = 0, [incident, reflected].
    """

    def __init__(self, phi: ComplexArray, slope: ComplexArray, flux: ComplexArray, reflection: ComplexArray) -> None:
        self.phi, self.slope, self.flux, self.reflection = phi, slope, flux, reflection


class System:
    """The discrete problem.

    Parameters
    ----------
    mesh : ngsolve.Mesh
        Of `make_mesh`.
    window : Window
    m, wavenumber : int >= 0, float
        Azimuthal order, K.
    count, degree : int
        Cut-on radial orders; degree of the elements.

    Attributes
    ----------
    mesh, space
        NGSolve's mesh and space.
    wavenumber, norm : (order,) float arrays
        Of the cut-on radial orders: kappa; integral of the squared mode times r, one at the wall.
    layer : complex
        Slope of the layer's complex coordinates.
    """

    def __init__(
        self, mesh: "ngsolve.Mesh", window: Window, m: int, wavenumber: float, count: int, degree: int
    ) -> None:
        import ngsolve

        self.mesh, self._window, self._m, self._k, self._count = mesh, window, m, wavenumber, count
        self.layer = 1j * _DECAY / (wavenumber * window.depth)
        self.space = ngsolve.H1(mesh, order=degree, complex=True, dirichlet="axis" if m else "")
        self._forms = [self._volume(where) for where in ("upper", "lower")]
        self._upper, lower = (_matrix(form) for form in self._forms)
        self._volume_matrix = self._upper + lower
        self._line = self._on_boundary("line", lambda u, v: self._dx() * u * v)
        r, grad = ngsolve.y, ngsolve.grad
        self._mass = self._on_boundary("section", lambda u, v: r * u * v)
        self._stiffness = self._on_boundary(
            "section", lambda u, v: r * grad(u).Trace() * grad(v).Trace() + (m**2 / r * u * v if m else 0 * u * v)
        )

    def _dx(self) -> "ngsolve.CoefficientFunction":
        import ngsolve

        x, window = ngsolve.x, self._window
        return ngsolve.IfPos((x - window.left) * (window.right - x), 1, 1 + self.layer)

    def _volume(self, where: str) -> "ngsolve.BilinearForm":
        """The form above in one part of the plane, with the unknowns inside elements eliminated."""
        import ngsolve

        u, v = self.space.TnT()
        beyond = ngsolve.y - self._window.radius
        dx, dr = self._dx(), ngsolve.IfPos(beyond, 1 + self.layer, 1)
        r = ngsolve.y + ngsolve.IfPos(beyond, self.layer * beyond, 0)
        direct = ((self._m**2 / r**2 if self._m else 0) - self._k**2) * r * dx * dr
        (ux, ur), (vx, vr) = ngsolve.grad(u), ngsolve.grad(v)
        form = ngsolve.BilinearForm(self.space, condense=True, symmetric=True, check_unused=False)
        form += (r * dr / dx * ux * vx + r * dx / dr * ur * vr + direct * u * v) * ngsolve.dx(where)
        return form.Assemble()

    def _on_boundary(self, where: str, integrand: Callable) -> sparse.csr_matrix:
        import ngsolve

        form = ngsolve.BilinearForm(self.space, check_unused=False)
        form += integrand(*self.space.TnT()) * ngsolve.ds(where)
        return _matrix(form.Assemble())

    def unknowns(self, *, lower: bool = False) -> BoolArray:
        """Which unknowns are solved for; lower : without the highest degree on the elements' sides."""
        import ngsolve

        free = np.array(list(self.space.FreeDofs(True)))
        if lower:
            sides = (self.space.GetDofNrs(ngsolve.NodeId(ngsolve.EDGE, i)) for i in range(self.mesh.nedge))
            free[[side[-1] for side in sides if side]] = False  # sides of coarser meshes have none
        return free

    def on(self, boundary: str, unknowns: BoolArray) -> IntArray:
        """Numbers of the unknowns that live on a boundary."""
        there = np.array(list(self.space.GetDofs(self.mesh.Boundaries(boundary))))
        return np.flatnonzero(there & unknowns)

    def solve(self, unknowns: BoolArray) -> Traces:
        """The Galerkin solution in the space of some unknowns."""
        section, line, free = self.on("section", unknowns), self.on("line", unknowns), np.flatnonzero(unknowns)
        stiffness, mass = (part[section][:, section].toarray().real for part in (self._stiffness, self._mass))
        eigenvalues, modes = linalg.eigh(stiffness, mass)
        modes = modes / modes[np.searchsorted(section, self._wall_vertex())]
        products = mass @ modes
        norms = np.sum(modes * products, axis=0)
        kappa = np.sqrt(self._k**2 - eigenvalues + 0j)
        count = self._count
        self.wavenumber, self.norm = kappa[:count].real, norms[:count]

        # phi_X = sum i kappa (2 incident - total) mode, tested
        start = self._window.left
        incident = np.zeros((len(section), count), complex)
        incident[range(count), range(count)] = np.exp(1j * self.wavenumber * start)
        block = -(products * (1j * kappa / norms)) @ products.T
        rows, columns = np.broadcast_arrays(section[:, None], section)
        matrix = self._volume_matrix + sparse.coo_matrix(
            (block.ravel(), (rows.ravel(), columns.ravel())), self._volume_matrix.shape
        )
        right = np.zeros((self.space.ndof, count), complex)
        right[section] = -products @ (2j * kappa[:, None] * incident)
        phi = np.zeros_like(right)
        phi[free] = splu(matrix.tocsr()[free][:, free].tocsc(), **_LU).solve(right[free])

        reflected = products.T @ phi[section] / norms[:, None] - incident  # at the section
        slope, flux = np.zeros_like(phi), np.zeros_like(phi)
        slope[section] = modes @ (1j * kappa[:, None] * (incident - reflected))
        flux[line] = -splu(self._line[line][:, line].tocsc(), **_LU).solve((self._upper @ phi)[line])
        reflection = reflected[:count] * np.exp(1j * self.wavenumber * start)[:, None]
        return Traces(phi, slope, flux, reflection.T)

    def _wall_vertex(self) -> int:
        """Number of the unknown at the section's outer end."""
        at = [v.nr for v in self.mesh.vertices if v.point[0] == self._window.left and v.point[1] == 1]
        (number,) = at
        return int(number)

    def functions(self, coefficients: ComplexArray) -> "list[ngsolve.GridFunction]":
        """NGSolve's functions of coefficients (unknown, order)."""
        import ngsolve

        result = []
        for column in coefficients.T:
            function = ngsolve.GridFunction(self.space)
            function.vec.FV().NumPy()[:] = column
            result.append(function)
        return result

    def evaluate(self, phi: ComplexArray, x: FloatArray, r: FloatArray) -> tuple[ComplexArray, ...]:
        """Phi, phi_X and phi_r (order, point) at points of the window; phi : (unknown, order) as in `Traces`."""
        import ngsolve

        where, values = self.mesh(x, r), []
        for function, sides in zip(self.functions(phi), self.functions(phi), strict=True):
            for form in self._forms:
                function.vec.data += form.harmonic_extension * sides.vec  # the unknowns inside elements
            values.append(np.column_stack([function(where), ngsolve.grad(function)(where)]))
        result = np.array(values)
        return result[..., 0], result[..., 1], result[..., 2]

    def boundary_points(self, boundary: str, points: int) -> "tuple[object, dict[str, FloatArray]]":
        """Quadrature points on a boundary: as NGSolve takes them; x, r, weight, and normal into the fluid nx, nr."""
        import ngsolve

        rule = ngsolve.IntegrationRule(ngsolve.SEGM, 2 * points - 1)
        where = self.mesh.MapToAllElements({ngsolve.SEGM: rule}, self.mesh.Boundaries(boundary))
        jacobian, normal = ngsolve.specialcf.JacobianMatrix(2, 1), ngsolve.specialcf.normal(2)
        values = {
            "x": ngsolve.x(where)[:, 0],
            "r": ngsolve.y(where)[:, 0],
            "nx": normal[0](where)[:, 0],
            "nr": normal[1](where)[:, 0],
        }
        length = np.hypot(*(jacobian[i, 0](where)[:, 0] for i in range(2)))
        weights = np.tile(np.array(list(rule.weights)), len(length) // len(rule))
        return where, {**values, "weight": weights * length}


def _matrix(form: "ngsolve.BilinearForm") -> sparse.csr_matrix:
    rows, columns, values = (np.asarray(part) for part in form.mat.COO())
    size = form.space.ndof
    return sparse.coo_matrix((values, (rows, columns)), (size, size)).tocsr()
