"""The folder of an unfinished dataset: its plan, its shards, and the journal of finished shards.

A line of the journal is the SHA-256 of a record, a space and the record; a line that is torn or was edited does not fit
and counts for nothing, so that its shard is computed anew.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple, Self

from .files import sync_folder, write_bytes

_JOURNAL = "journal.jsonl"
_PLAN = "plan.json"
_HASHING = 2  # threads that check shards: more would wait for the disk


@dataclass(frozen=True)
class Missing:
    """A case that is not in the dataset: its number and parameters, and the reason."""

    case: int
    m: int
    helmholtz: float
    mach: float
    hub: float
    mach_outer: float
    sound_speed_ratio: float
    density_ratio: float
    kutta: float
    split: int
    reason: str

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """The record from a file, which may hold more columns."""
        return cls(**{field.name: record[field.name] for field in fields(cls)})


class Done(NamedTuple):
    """Record of a finished shard: SHA-256 of its content, number of its cases, and its missing cases."""

    digest: str
    cases: int
    missing: list[Missing]


class Stored(NamedTuple):
    """A shard that is in the folder already: SHA-256 of its content."""

    digest: str


class Journal:
    """The folder of an unfinished dataset: the plan, the shards, and which of them are finished."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def begin(self, plan: dict[str, Any]) -> dict[str, Any]:
        """Start with a plan, or continue with the same one; return the plan that was begun.

        Raises
        ------
        ValueError
            Another plan was begun here; the first difference is named. The commit and the recipe's name may differ.
            Or the plan is damaged, or is missing beside a journal.
        """
        path = self.folder / _PLAN
        if not path.exists():
            if (self.folder / _JOURNAL).exists():
                raise ValueError(f"{path} is missing, which says what was begun; delete {self.folder} and begin again")
            self.folder.mkdir(exist_ok=True)
            write_bytes(path, json.dumps(plan, indent=1).encode())
            return plan
        try:
            begun: dict[str, Any] = dict(json.loads(path.read_bytes()))
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path} is damaged ({error}); delete {self.folder} and begin again") from None
        for key, value in plan.items():
            if key not in ("commit", "recipe_name") and begun.get(key) != value:
                raise ValueError(f"{self.folder} was begun with {key} {begun.get(key)!r:.200}, not {value!r:.200}")
        return begun

    def shard(self, number: int) -> Path:
        """Path of a shard."""
        return self.folder / f"shard-{number:06d}.safetensors"

    def done(self) -> dict[int, Done]:
        """Records of the finished shards that exist, by number."""
        path = self.folder / _JOURNAL
        records: dict[int, Done] = {}
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []  # a last line without end was cut off
        for line in lines:
            digest, _, content = line.partition(b" ")
            if digest != _digest(content).encode():
                continue
            record = json.loads(content)
            number = record["shard"]
            if not record["cases"] or self.shard(number).is_file():
                missing = [Missing(**one) for one in record["missing"]]
                records[number] = Done(record["digest"], record["cases"], missing)
        return records

    def store(self, number: int, content: bytes) -> Stored:
        """Write a shard durably. It counts once it is acknowledged."""
        write_bytes(self.shard(number), content)
        return Stored(_digest(content))

    def acknowledge(self, number: int, content: bytes | Stored, cases: int, missing: list[Missing]) -> Done:
        """Record a shard, which is stored before unless it is or has no content; return its record."""
        if isinstance(content, Stored):
            digest = content.digest
        else:
            digest = self.store(number, content).digest if content else _digest(b"")
        record = {"shard": number, "digest": digest, "cases": cases, "missing": [asdict(one) for one in missing]}
        line = json.dumps(record).encode()
        path = self.folder / _JOURNAL
        new = not path.exists()
        with path.open("ab") as journal:
            journal.write(b"\n" + _digest(line).encode() + b" " + line + b"\n")  # apart from a line that was cut off
            journal.flush()
            os.fsync(journal.fileno())
        if new:
            sync_folder(self.folder)
        return Done(digest, cases, missing)

    def verify(self, done: Mapping[int, Done]) -> None:
        """Check shards against their recorded digests.

        Raises
        ------
        ValueError
            Some do not have theirs. They are deleted, to be computed anew.
        """
        numbers = [number for number, one in done.items() if one.cases]
        with ThreadPoolExecutor(_HASHING) as pool:
            found = pool.map(lambda number: _digest_of(self.shard(number)), numbers)
            changed = [
                self.shard(number)
                for number, digest in zip(numbers, found, strict=True)
                if digest != done[number].digest
            ]
        for path in changed:
            path.unlink()
        if changed:
            names = ", ".join(path.name for path in changed)
            raise ValueError(
                f"shards in {self.folder} were changed since they were written: {names}; they are deleted, and "
                "--resume computes them anew"
            )

    def remove(self) -> None:
        """Delete what was written here, the plan last, and the folder unless others put files in it."""
        own = [path for pattern in ("shard-*", ".*.partial", _JOURNAL, _PLAN) for path in self.folder.glob(pattern)]
        for path in own:
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.folder.rmdir()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _digest_of(path: Path) -> str:
    with path.open("rb") as raw:
        return hashlib.file_digest(raw, "sha256").hexdigest()
