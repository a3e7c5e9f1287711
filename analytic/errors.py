"""What the numerics raise."""


class ConvergenceError(ArithmeticError):
    """A quadrature or a root search missed its tolerance; nothing was returned."""
