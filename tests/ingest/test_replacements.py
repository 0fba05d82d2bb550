"""Characters replaced by a table, as `str.translate` replaces them."""

from __future__ import annotations

from ingest.replacements import Replacements


def test_characters_are_replaced_and_others_stay() -> None:
    table: dict[int, int | str | None] = {ord("，"): ",", ord("陸"): ord("陆"), ord("…"): "...", ord("\u200b"): None}
    replacements = Replacements(table)
    for text in ("陸特，年假\n", "", "abc"):
        assert replacements.all_in(text) == text.translate(table)


def test_where_one_character_does_not_become_one_the_table_does_not_say() -> None:
    replacements = Replacements({ord("…"): "...", ord("\u200b"): None})
    for text in ("年…", "年\u200b", "年𠀀", "\uffff", "\x00"):
        assert replacements.all_in(text) is None
    assert replacements.all_in("年\ud800") == "年\ud800"
    assert Replacements({}, kept=(ord("年"),)).all_in("年假") is None


def test_several_texts_are_replaced_at_once_as_each_by_itself() -> None:
    replacements = Replacements({ord("，"): ",", ord("…"): "..."})
    for texts in (["年，", "", "，\n，", "\ud800", "\udc00"], ["年，", "年…", "𠀀"], []):
        assert replacements.in_each(texts) == [replacements.all_in(text) for text in texts]
