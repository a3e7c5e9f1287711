"""Loading NGSolve without side effects on other libraries."""

import ctypes


def load() -> None:
    """Import NGSolve, quiet, with its OpenBLAS for itself.

    It would load that for all libraries of the process; PyTorch, if imported later, would take batched products from
    there, and crash.

    Raises
    ------
    ImportError
        NGSolve is missing.
    """
    everywhere, ctypes.RTLD_GLOBAL = ctypes.RTLD_GLOBAL, ctypes.RTLD_LOCAL  # type: ignore[misc]
    try:
        import ngsolve
    except ImportError as error:
        raise ImportError("finite elements need NGSolve: pip install 'wavenet[elements]'") from error
    finally:
        ctypes.RTLD_GLOBAL = everywhere  # type: ignore[misc]
    ngsolve.ngsglobals.msg_level = 0
