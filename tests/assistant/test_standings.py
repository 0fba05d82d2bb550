"""Standings are read from the catalog once for each tick of its clock."""

from __future__ import annotations

from collections.abc import Collection

from assistant.standings import Standings
from ingest.catalog.records import Standing


class Shelf:
    """A catalog in memory that notes what it was asked for."""

    def __init__(self) -> None:
        self.standings: dict[str, Standing] = {}
        self.ticks = 0
        self.asked: list[set[str]] = []

    def set(self, document_id: str, access: tuple[str, ...] | None = ("everyone",)) -> None:
        """Publish a document, change who may read it, or delete it with no access at all."""
        self.ticks += 1
        if access is None:
            del self.standings[document_id]
        else:
            self.standings[document_id] = Standing(1, self.ticks, access, "local")

    def clock(self) -> int:
        return self.ticks

    def standing(self, document_ids: Collection[str]) -> dict[str, Standing]:
        self.asked.append(set(document_ids))
        return {key: self.standings[key] for key in document_ids if key in self.standings}


def test_only_documents_that_are_not_known_yet_are_read() -> None:
    shelf = Shelf()
    shelf.set("a")
    shelf.set("b")
    standings = Standings(shelf)
    assert standings.of(["a"])[0]["a"] == shelf.standings["a"]
    assert standings.of(["a", "b", "unpublished"])[0]["b"] == shelf.standings["b"]
    assert standings.of(["a", "b", "unpublished"])[0]["unpublished"] is None
    assert shelf.asked == [{"a"}, {"b", "unpublished"}]


def test_the_tick_that_was_last_read_is_told_without_asking() -> None:
    shelf = Shelf()
    standings = Standings(shelf)
    assert standings.seen() == 0
    shelf.set("a")
    assert standings.of(["a"])[1] == standings.seen() == 1
    shelf.set("a")
    assert standings.seen() == 1
    assert standings.of([])[1] == standings.seen() == 2


def test_whatever_moves_the_clock_is_seen_at_once() -> None:
    shelf = Shelf()
    shelf.set("a")
    standings = Standings(shelf)
    assert standings.of(["a", "b"])[0]["b"] is None
    shelf.set("b")
    assert standings.of(["a", "b"])[0]["b"] is not None, "published"
    shelf.set("a", ("group:hr",))
    now = standings.of(["a"])[0]["a"]
    assert now is not None
    assert now.access == ("group:hr",), "access changed"
    shelf.set("a", None)
    assert standings.of(["a"])[0]["a"] is None, "deleted"


def test_what_changes_while_it_is_read_is_not_kept_beyond_the_next_tick() -> None:
    shelf = Shelf()
    shelf.set("a")
    standings = Standings(shelf)
    read = shelf.standing

    def read_and_restricted_after(document_ids: Collection[str]) -> dict[str, Standing]:
        found = read(document_ids)
        shelf.set("a", ("group:hr",))
        return found

    shelf.standing = read_and_restricted_after  # type: ignore[method-assign]
    standings.of(["a"])
    shelf.standing = read  # type: ignore[method-assign]
    now = standings.of(["a"])[0]["a"]
    assert now is not None
    assert now.access == ("group:hr",)


def test_not_more_than_so_many_are_remembered() -> None:
    shelf = Shelf()
    standings = Standings(shelf)
    standings.of([str(number) for number in range(20_001)])
    assert len(standings.of(["one"])[0]) == 1
