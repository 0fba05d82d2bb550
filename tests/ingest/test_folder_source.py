"""The folder source: what it lists, what it leaves out, and what it may be trusted to delete."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ingest.errors import DocumentError, SourceError
from ingest.settings import IngestSettings
from ingest.sources.folder import FolderSource
from ingest.sources.from_settings import open_paths, open_source
from ingest.sources.settings import FolderSettings, FsspecSettings


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


def _configured(folder: Path, **fields: Any) -> FolderSource:
    return FolderSource.of(FolderSettings.model_validate({"name": "s", "type": "folder", "path": folder, **fields}))


def _listed(source: FolderSource, folder: Path) -> list[str]:
    return [reference.uri.removeprefix(f"{folder}/") for reference in source.references()]


@pytest.mark.parametrize(
    ("globs", "expected"),
    [
        (["*.PDF"], ["a.pdf", "hr/pay/b.pdf"]),
        (["hr/*.txt"], ["hr/c.txt"]),
        (["hr"], ["hr/c.txt", "hr/pay/b.pdf"]),
        (["/a.*"], ["a.pdf"]),
        (["**/pay/**"], ["hr/pay/b.pdf"]),
        (["[ac].*"], ["a.pdf", "hr/c.txt"]),
        (["[!ab].*", "x"], ["hr/c.txt"]),
        (["h?"], ["hr/c.txt", "hr/pay/b.pdf"]),
        (["hr/**/b.pdf"], ["hr/pay/b.pdf"]),
    ],
)
def test_globs_say_what_is_read_and_what_is_left_out(tmp_path: Path, globs: list[str], expected: list[str]) -> None:
    every = ["a.pdf", "hr/c.txt", "hr/pay/b.pdf"]
    for name in every:
        _write(tmp_path / name)
    assert _listed(_configured(tmp_path, include=globs), tmp_path) == expected
    left = _listed(_configured(tmp_path, exclude=globs), tmp_path)
    assert left == [name for name in every if name not in expected]


def test_the_first_rule_that_fits_says_who_may_read_and_what_none_fits_is_for_the_operator(tmp_path: Path) -> None:
    for name in ("HR/a.txt", "hr2/b.txt", "e\u0301tude/c.txt"):
        _write(tmp_path / name)
    rules = [
        {"glob": "hr/**", "principals": ["group:hr", "user:kim"]},
        {"glob": "h*", "principals": ["everyone"]},
        {"glob": "\u00e9tude", "principals": ["group:lab"]},
    ]
    found = {reference.name: reference.access for reference in _configured(tmp_path, access=rules).references()}
    assert found == {"a.txt": ("group:hr", "user:kim"), "b.txt": ("everyone",), "c.txt": ("group:lab",)}
    found = {reference.name: reference.access for reference in _configured(tmp_path, access=rules[:1]).references()}
    assert found["b.txt"] == ()
    assert {reference.access for reference in _configured(tmp_path).references()} == {("everyone",)}


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("none", ["real.txt"]), ("files", ["link.txt", "real.txt"]), ("all", ["link.txt", "real.txt", "out/o.txt"])],
)
def test_links_are_followed_as_the_setting_says(tmp_path: Path, policy: str, expected: list[str]) -> None:
    _write(tmp_path / "elsewhere" / "o.txt")
    docs = tmp_path / "docs"
    _write(docs / "real.txt")
    (docs / "link.txt").symlink_to(docs / "real.txt")
    (docs / "out").symlink_to(tmp_path / "elsewhere")
    (docs / "loop").symlink_to(docs)
    (tmp_path / "elsewhere" / "back").symlink_to(docs)
    assert _listed(_configured(docs, follow_links=policy), docs) == expected


def test_a_linked_folder_has_its_own_place_and_its_rules(tmp_path: Path) -> None:
    _write(tmp_path / "secret" / "a.txt")
    (tmp_path / "a-public").symlink_to(tmp_path / "secret")
    source = _configured(tmp_path, follow_links="all", access=[{"glob": "secret", "principals": ["group:x"]}])
    (reference,) = source.references()
    assert (reference.uri, reference.access) == (f"{tmp_path}/secret/a.txt", ("group:x",))


def test_hidden_files_are_a_setting(tmp_path: Path) -> None:
    _write(tmp_path / ".notes" / "a.txt")
    assert _listed(_configured(tmp_path), tmp_path) == []
    assert _listed(_configured(tmp_path, hidden=True), tmp_path) == [".notes/a.txt"]


def test_a_folder_that_cannot_be_read_stops_nothing_and_keeps_what_was_in_it(tmp_path: Path) -> None:
    for name in ("a.txt", "b/c.txt", "d.txt"):
        _write(tmp_path / name)
    source = _configured(tmp_path)
    listing = source.references()
    found = [next(listing)]
    (tmp_path / "b").rename(tmp_path / "away")  # it is known, and then it cannot be listed
    found += listing
    assert [reference.name for reference in found] == ["a.txt", "d.txt", "b"]
    with pytest.raises(DocumentError) as raised:
        source.fetch(found[-1], tmp_path)
    assert raised.value.code == "folder_unreadable"
    assert not source.covers(f"{tmp_path}/b/c.txt")
    assert source.covers(f"{tmp_path}/bb.txt")


def test_a_configured_source_answers_for_all_its_documents_also_from_where_it_once_was(tmp_path: Path) -> None:
    assert _configured(tmp_path / "new").covers(f"{tmp_path}/old/a.txt")


def test_two_names_that_look_the_same_are_two_documents(tmp_path: Path) -> None:
    _write(tmp_path / r"\xff.txt", "one")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.txt")).write_text("two")
    found = list(_configured(tmp_path).references())
    assert len({reference.uri for reference in found}) == 2
    assert {reference.path.read_text() for reference in found if reference.path} == {"one", "two"}


def test_folders_deeper_than_a_path_may_be_long_stop_nothing(tmp_path: Path) -> None:
    _write(tmp_path / "z.txt")
    here = Path.cwd()
    try:
        os.chdir(tmp_path)
        for _ in range(2500):
            Path("d").mkdir()
            os.chdir("d")
    finally:
        os.chdir(here)
    try:
        found = list(_configured(tmp_path).references())
    finally:
        subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)  # shutil gives up at such a depth
    assert found[0].name == "z.txt"
    assert [len(reference.uri) > 4000 for reference in found] == [False, True]


@pytest.mark.parametrize("follow_links", ["files", "all"])
def test_the_home_is_left_out_wherever_it_lies_also_through_links(tmp_path: Path, follow_links: Any) -> None:
    docs = tmp_path / "docs"
    home = docs / "state"
    _write(home / "originals" / "1.txt")
    _write(home / "log.txt")
    wanted = [_write(docs / "a.txt"), _write(docs / "statement" / "b.txt")]
    (docs / "link to the home").symlink_to(home)
    (docs / "link into it").symlink_to(home / "originals")
    (docs / "link.txt").symlink_to(home / "log.txt")
    (docs / "link above it").symlink_to(docs)
    (tmp_path / "other name").symlink_to(docs)
    for root, at in ((docs, home), (tmp_path / "other name", home), (docs, tmp_path / "other name" / "state")):
        settings = FolderSettings(type="folder", name="shared", path=root, follow_links=follow_links, archives=False)
        for source in (
            open_source(settings, IngestSettings(home=at)),
            open_paths([root], IngestSettings(home=at)),
        ):
            assert sorted(each.path.resolve() for each in source.references() if each.path) == wanted


def test_paths_in_the_home_are_left_out_and_nothing_else_is_an_error(tmp_path: Path) -> None:
    home = tmp_path / "state"
    _write(home / "log.txt")
    file = _write(tmp_path / "a.txt")
    settings = IngestSettings(home=home)
    assert [each.path for each in open_paths([home, file, home / "log.txt"], settings).references()] == [file]
    for path in (home, home / "log.txt"):
        with pytest.raises(SourceError) as raised:
            list(open_paths([path], settings).references())
        assert raised.value.code == "path_in_home"


def test_the_home_is_left_out_of_a_url_of_this_machines_files(tmp_path: Path) -> None:
    _write(tmp_path / "state" / "log.txt")
    _write(tmp_path / "a.txt")
    (tmp_path / "link.txt").symlink_to(tmp_path / "state" / "log.txt")
    settings = FsspecSettings(type="fsspec", name="shared", url=f"file://{tmp_path}")
    source = open_source(settings, IngestSettings(home=tmp_path / "state"))
    assert [each.name for each in source.references()] == ["a.txt"]
