"""Copies of folders: the same bytes, without the room that zeros would take."""

from __future__ import annotations

import random
from pathlib import Path

from ingest.home.disk import allocated_bytes, copy_tree

_BLOCK = 64 * 1024


def test_a_copy_has_the_same_bytes_wherever_zeros_are(tmp_path: Path) -> None:
    data = random.Random(4).randbytes(_BLOCK)
    contents = {
        "empty": b"",
        "zeros": bytes(3 * _BLOCK),
        "few zeros": bytes(7),
        "ends with zeros": data + bytes(_BLOCK + 5),
        "begins with zeros": bytes(2 * _BLOCK) + data,
        "zeros between": data + bytes(2 * _BLOCK) + data[:11],
        "zeros across blocks": data[:-3] + bytes(_BLOCK) + data,
    }
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "below").mkdir(parents=True)
    for name, content in contents.items():
        (source / "below" / name).write_bytes(content)
    copy_tree(source, target)
    assert {file.name: file.read_bytes() for file in (target / "below").iterdir()} == contents


def test_a_copy_of_a_file_that_is_mostly_zeros_takes_little_room(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    with (tmp_path / "source" / "page").open("wb") as file:
        file.truncate(32 * 2**20)
        file.seek(2**20)
        file.write(b"something")
    copy_tree(tmp_path / "source", tmp_path / "target")
    assert (tmp_path / "target" / "page").read_bytes() == (tmp_path / "source" / "page").read_bytes()
    assert allocated_bytes(tmp_path / "target") <= 2**20
