"""The folder of an unfinished dataset, and files that are complete or absent."""

import contextlib
import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from data import files
from data.journal import Journal, Missing

PLAN = {"format": 3, "task": "x", "recipe": "text", "seed": 1, "versions": "numpy 1", "commit": "a", "recipe_name": "r"}


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / "parts")
    journal.begin(PLAN)
    return journal


@pytest.mark.parametrize("key", ["format", "task", "recipe", "seed", "versions"])
def test_another_plan_is_refused_by_the_first_difference(journal, key):
    with pytest.raises(ValueError, match=f"was begun with {key} {PLAN[key]!r}, not 'other'"):
        journal.begin(PLAN | {key: "other"})


def test_another_commit_or_name_is_accepted_and_those_of_the_beginning_stay(journal):
    assert journal.begin(PLAN | {"commit": "b", "recipe_name": "s"}) == PLAN


def test_records_come_back(journal):
    missing = [Missing(case, 1, 5.0, 0.1, 0.0, 0.1, 1.0, 1.0, 0.0, 2, "too hard") for case in (3, 4)]
    for number, content, cases, few in ((7, b"seven", 2, missing), (2, b"", 0, missing), (1, b"one", 5, [])):
        journal.acknowledge(number, content, cases, few)
    done = Journal(journal.folder).done()
    assert list(done) == [7, 2, 1]
    assert (done[7].cases, done[7].missing) == (2, missing)
    assert (done[2].cases, done[2].missing) == (0, missing)
    journal.verify(done)
    assert journal.shard(7).read_bytes() == b"seven"
    assert not journal.shard(2).exists()
    with pytest.raises(
        ValueError, match=r"were changed since they were written: shard-000007\.safetensors; .* --resume computes"
    ):
        journal.verify(done | {7: done[1]})
    assert (journal.shard(7).exists(), journal.shard(1).exists()) == (False, True)


def test_a_shard_that_is_stored_is_acknowledged_later(journal):
    stored = journal.store(3, b"three")
    assert journal.done() == {}
    assert journal.acknowledge(3, stored, 5, []) == journal.done()[3]
    journal.verify(journal.done())


def test_a_shard_that_is_not_on_disk_is_not_acknowledged(journal, monkeypatch):
    def full(path, content):
        raise OSError("full")

    monkeypatch.setattr("data.journal.write_bytes", full)
    with pytest.raises(OSError, match="full"):
        journal.acknowledge(1, b"one", 5, [])
    assert journal.done() == {}


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"{}", b"null", b'{"shard": 1, "digest": "a"'])
def test_lines_that_were_cut_off_count_for_nothing(journal, line):
    journal.acknowledge(1, b"one", 5, [])
    with (journal.folder / "journal.jsonl").open("ab") as file:
        file.write(line + b"\n")
    journal.acknowledge(2, b"two", 5, [])
    assert list(journal.done()) == [1, 2]


def test_the_plan_is_deleted_last(journal, monkeypatch):
    """After an interrupted deletion the folder can still be told from one of another dataset."""
    journal.acknowledge(1, b"one", 5, [])
    order, unlink = [], Path.unlink
    monkeypatch.setattr(Path, "unlink", lambda path, **options: (order.append(path.name), unlink(path, **options)))
    journal.remove()
    assert order[-1] == "plan.json"
    assert len(order) == 3
    assert not journal.folder.exists()


def test_a_new_file_appears_complete_or_not_at_all(tmp_path):
    path = tmp_path / "x.h5"
    with pytest.raises(TypeError), files.whole_file(path) as file:
        file["a"] = object()
    assert list(tmp_path.iterdir()) == []
    with files.whole_file(path) as file:
        file["a"] = np.ones(3)
        assert not path.exists()
    assert [one.name for one in tmp_path.iterdir()] == ["x.h5"]
    with pytest.raises(FileExistsError, match="not overwritten"), files.whole_file(path):
        pass
    with h5py.File(path) as file:
        assert file["a"].shape == (3,)
    assert path.read_bytes()[8] == 3  # version of the superblock from which all metadata have checksums


def test_a_file_is_replaced_whole_or_not(tmp_path):
    path = tmp_path / "plan"
    files.write_bytes(path, b"first")
    with contextlib.suppress(TypeError):
        files.write_bytes(path, 5)
    assert path.read_bytes() == b"first"
    files.write_bytes(path, b"second")
    assert path.read_bytes() == b"second"
    assert [one.name for one in tmp_path.iterdir()] == ["plan"]


@pytest.mark.parametrize("kind", ["bytes", "hdf5", "journal"])
def test_content_is_on_disk_before_its_name_is(tmp_path, monkeypatch, journal, kind):
    """fsync of the content, then the name, then fsync of the folder."""
    steps, fsync, replace = [], os.fsync, os.replace

    def synced(descriptor):
        steps.append("folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "content")
        fsync(descriptor)

    def renamed(old, new):
        steps.append("name")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    if kind == "bytes":
        files.write_bytes(tmp_path / "x", b"x")
    elif kind == "hdf5":
        with files.whole_file(tmp_path / "x.h5") as file:
            file["a"] = 1
    else:
        journal.acknowledge(1, b"one", 5, [])
    shard = ["content", "name", "folder"]
    assert steps == (shard if kind != "journal" else [*shard, "content", "folder"])
