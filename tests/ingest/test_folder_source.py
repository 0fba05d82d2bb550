"""The folder source: what it lists, what it leaves out, and what it may be trusted to delete."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ingest.errors import SourceError
from ingest.sources.folder import FolderSource


def _write(path: Path, text: str = "text") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_folder_is_read_to_the_bottom_without_hidden_files(tmp_path: Path) -> None:
    wanted = [_write(tmp_path / "b.txt"), _write(tmp_path / "sub" / "deep" / "a.txt")]
    _write(tmp_path / ".hidden" / "c.txt")
    _write(tmp_path / "~$b.docx")
    assert [r.path for r in FolderSource([tmp_path]).references()] == wanted


def test_a_file_that_is_named_twice_is_listed_once(tmp_path: Path) -> None:
    file = _write(tmp_path / "a.txt")
    assert len(list(FolderSource([tmp_path, file]).references())) == 1


def test_a_missing_path_is_an_error_and_not_an_empty_listing(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as raised:
        list(FolderSource([tmp_path / "gone"]).references())
    assert raised.value.code == "path_missing"


def test_only_what_lies_under_the_given_paths_is_covered(tmp_path: Path) -> None:
    source = FolderSource([tmp_path / "docs"])
    assert source.covers(str(tmp_path / "docs" / "a.txt"))
    assert not source.covers(str(tmp_path / "docs2" / "a.txt"))


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    _write(tmp_path / "sub" / "a.txt")
    (tmp_path / "sub" / "loop").symlink_to(tmp_path)
    assert [r.name for r in FolderSource([tmp_path]).references()] == ["a.txt"]


def test_a_link_that_leads_nowhere_or_in_a_circle_does_not_stop_the_listing(tmp_path: Path) -> None:
    _write(tmp_path / "a.txt")
    (tmp_path / "b.txt").symlink_to(tmp_path / "c.txt")
    (tmp_path / "c.txt").symlink_to(tmp_path / "b.txt")
    (tmp_path / "d.txt").symlink_to(tmp_path / "gone")
    assert [r.name for r in FolderSource([tmp_path]).references()] == ["a.txt"]


def test_a_name_that_is_not_text_is_listed_under_an_escaped_uri(tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/\xff\xfe.txt"
    Path(os.fsdecode(odd)).write_text("text")
    (reference,) = FolderSource([tmp_path]).references()
    assert reference.uri.endswith(r"\xff\xfe.txt")
    assert reference.path is not None
    assert reference.path.read_text() == "text"


def test_the_same_path_gives_the_same_document_for_ever(tmp_path: Path) -> None:
    file = _write(tmp_path / "a.txt")
    before = next(FolderSource([file]).references()).document_id
    _write(file, "other text")
    assert next(FolderSource([tmp_path]).references()).document_id == before
