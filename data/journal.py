"""The folder of an unfinished dataset: its plan, its shards, and the journal of finished shards."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple, Self

from .files import sync_folder, write_bytes

_JOURNAL = "journal.jsonl"
_PLAN = "plan.json"


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
        """
        path = self.folder / _PLAN
        if not path.exists():
            self.folder.mkdir(exist_ok=True)
            write_bytes(path, json.dumps(plan, indent=1).encode())
            return plan
        begun: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
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
            try:
                record = json.loads(line)
                number = record["shard"]
            except (ValueError, KeyError, TypeError):  # empty, or cut off
                continue
            if not record["cases"] or self.shard(number).is_file():
                missing = [Missing(**one) for one in record["missing"]]
                records[number] = Done(record["digest"], record["cases"], missing)
        return records

    def acknowledge(self, number: int, content: bytes, cases: int, missing: list[Missing]) -> Done:
        """Store a shard durably; return its record."""
        digest = hashlib.sha256(content).hexdigest()
        if content:
            write_bytes(self.shard(number), content)
        record = {"shard": number, "digest": digest, "cases": cases, "missing": [asdict(one) for one in missing]}
        path = self.folder / _JOURNAL
        new = not path.exists()
        with path.open("ab") as journal:
            journal.write(b"\n" + json.dumps(record).encode() + b"\n")  # apart from a line that was cut off
            journal.flush()
            os.fsync(journal.fileno())
        if new:
            sync_folder(self.folder)
        return Done(digest, cases, missing)

    def content(self, number: int, digest: str) -> bytes:
        """The bytes of a shard, checked against its recorded digest.

        Raises
        ------
        ValueError
            They do not have this digest.
        """
        content = self.shard(number).read_bytes()
        if hashlib.sha256(content).hexdigest() != digest:
            raise ValueError(f"{self.shard(number)} was changed since it was written; delete it and --resume")
        return content

    def remove(self) -> None:
        """Delete the folder, the plan last."""
        for path in sorted(self.folder.iterdir(), key=lambda path: path.name == _PLAN):
            path.unlink()
        self.folder.rmdir()
