"""A lock on a folder: one process at a time works in it, and the lock ends with the process."""

import contextlib
import errno
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

_LOCK = "lock"  # locked by the system
_OWNER = "lock.owner"  # names the process at work, where the system cannot lock files
# Answers of file systems without locks, such as NFS without lockd or Lustre without flock.
_UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}


@contextlib.contextmanager
def lock(folder: Path, note: Callable[[str], None] = warnings.warn) -> Iterator[None]:
    """Admit one process at a time to a folder, and delete the folder if nothing but the lock is left in the end.

    On a file system without locks, a file that is created exclusively names the process and its computer instead.
    A process of the same computer takes over the file of one that died; other computers cannot know, and refuse.

    Parameters
    ----------
    folder : path
        Must exist.
    note : callable
        Called with a sentence if the file system has no locks.

    Raises
    ------
    FileExistsError
        Another process is at work here.
    """
    held: list[BaseFileLock] = []
    try:
        try:
            held.append(_taken(FileLock(folder / _LOCK, fallback_to_soft=False), folder))
            unlocked = False
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            unlocked = True
            note(f"no locks on the file system of {folder}: the file {_OWNER} in it keeps other processes out")
        if unlocked or (folder / _OWNER).exists():  # the latter: of a computer that cannot lock files here
            held.append(_taken(SoftFileLock(folder / _OWNER), folder))
        yield
    finally:
        gone = _tidy(folder) if held else True  # while it is locked, so that nobody else can have begun
        for one in held:
            one.release()
        if not gone:
            _tidy(folder)  # where files that are open cannot be deleted


def _taken(one: FileLock | SoftFileLock, folder: Path) -> BaseFileLock:
    """A lock, taken at once or not at all."""
    try:
        one.acquire(timeout=0)
    except Timeout:
        how = f"; if none is, delete {one.lock_file}" if isinstance(one, SoftFileLock) else ""
        raise FileExistsError(f"another process is at work in {folder}{how}") from None
    return one


def _tidy(folder: Path) -> bool:
    """Delete a folder that holds nothing but locks; whether it is gone."""
    with contextlib.suppress(OSError):
        if {path.name for path in folder.iterdir()} <= {_LOCK, _OWNER}:
            for name in (_LOCK, _OWNER):
                (folder / name).unlink(missing_ok=True)
            folder.rmdir()
    return not folder.exists()
