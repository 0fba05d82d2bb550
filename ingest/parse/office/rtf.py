"""Reads rich text (RTF). Of its control words, those for text, headings, tables and links are used."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace

from ingest.document import Element
from ingest.parse.contents_pages import is_heading
from ingest.parse.extracted import Extracted
from ingest.parse.notes import EMBEDDED_OBJECTS, together
from ingest.parse.office.rtf_tables import RowLook, headers, placed
from ingest.parse.office.typed_headings import Line, typed_levels
from ingest.parse.pictures.embedded import Pictures
from ingest.parse.properties import stated
from ingest.parse.tables.elements import table_elements
from ingest.parse.tables.layout import Cell, runs_of
from ingest.parse.tables.markdown import Rows
from ingest.parse.word.links import field_target, suffix

_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]+|([^\\{}\r\n]+)"
)
_SKIPPED = frozenset(
    b"fonttbl colortbl stylesheet info pict object themedata datastore latentstyles listtable "
    b"listoverridetable rsidtbl generator header headerl headerr headerf footer footerl footerr footerf "
    b"xmlnstbl filetbl revtbl".split()
)
_CHARACTERS = {
    b"line": "\n", b"tab": "\t", b"emdash": "—", b"endash": "–",
    b"lquote": "‘", b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”", b"bullet": "•",
}  # fmt: skip
_UNSEEN = frozenset({b"strike", b"striked", b"v", b"deleted"})
"""Marks of letters that a reader does not see, or takes for deleted."""
_SCRIPTS = frozenset({b"loch", b"hich", b"dbch", b"ltrch", b"rtlch"})
_MAX_FIELDS = 20
_BETWEEN = "\x1e"
"""Stands between the paragraphs of a cell."""
_CONTENTS = re.compile(r"\s*TOC\b", re.IGNORECASE)
_SYMBOLS = {b"\\": "\\", b"{": "{", b"}": "}", b"~": " ", b"_": "-"}
_CODE_PAGES = {0: "cp1252", 128: "cp932", 129: "cp949", 134: "gb18030", 136: "big5", 161: "cp1253", 162: "cp1254",
               204: "cp1251", 238: "cp1250"}  # fmt: skip
_FONT = re.compile(rb"\{\\f(\d+)[^{};]*?\\fcharset(\d+)")
_STYLE = re.compile(rb"\{\\s(\d+)[^{}]*?\\outlinelevel(\d)")
_STYLE_NAME = re.compile(rb"\{\\s(\d+)[^{}]*? heading (\d);\}", re.I)
_AUTHOR = re.compile(rb"\{\\author\s([^{}]{1,2000})\}")
_MOMENT = re.compile(rb"\{\\(creatim|revtim)\\yr(\d{1,4})\\mo(\d{1,2})\\dy(\d{1,2})")
_TITLE = re.compile(rb"\{\\title\s([^{}\\]+)\}")


@dataclass(frozen=True, slots=True)
class _State:
    """The state that a group inherits. `skips` is the number of characters after a Unicode character that replace it
    for old readers. `unseen` has the marks by which the letters are not seen. `says` is True in the instruction of a
    field, `labels` in the mark of an item of a list. `size` is in half points. `drawn` is True in a picture, and `twin`
    in one that stands in for another. `script` is the kind of letters that the next marks are about; those of far
    eastern letters may be stated beside the others, as LibreOffice does.
    """

    hidden: bool = False
    skips: int = 1
    encoding: str = "cp1252"
    unseen: frozenset[bytes] = frozenset()
    says: bool = False
    drawn: bool = False
    twin: bool = False
    labels: bool = False
    bold: bool = False
    size: int = 24
    font: int = 0
    script: bytes = b"loch"
    eastern_bold: bool | None = None
    eastern_size: int | None = None

    def plain(self) -> _State:
        """Returns the state in which letters have no marks."""
        return replace(self, unseen=frozenset(), bold=False, size=24, eastern_bold=None, eastern_size=None)

    def shown(self, text: str) -> tuple[int, bool]:
        """Returns the size and the boldness of a text."""
        if text > "\u2e80":
            bold = self.bold if self.eastern_bold is None else self.eastern_bold
            return self.eastern_size or self.size, bold
        return self.size, self.bold


@dataclass(slots=True)
class _Field:
    """A field that is open: how many groups are around it, what it does, and its result."""

    depth: int
    instruction: list[str] = field(default_factory=list)
    result: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Looks:
    """How the letters of the current paragraph look."""

    sizes: Counter[int] = field(default_factory=Counter)
    fonts: Counter[int] = field(default_factory=Counter)
    bold: bool = True
    centred: bool = False

    def add(self, text: str, state: _State) -> None:
        if length := len(text.strip()):
            size, bold = state.shown(text.strip())
            self.sizes[size] += length
            self.fonts[state.font] += length
            self.bold = self.bold and (bold or not any(map(str.isalpha, text)))

    def line(self, text: str) -> Line:
        size = self.sizes.most_common(1)[0][0] / 2 if self.sizes else 0.0
        font = str(self.fonts.most_common(1)[0][0]) if self.fonts else None
        return Line(text, "text", size, self.bold and bool(self.sizes), font, self.centred)


@dataclass(slots=True)
class _Reader:
    """Collects the elements, and how each looks as a line. `level` and `in_table` belong to the current paragraph."""

    elements: list[Element] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    rows: Rows = field(default_factory=list)
    looks_of_rows: list[RowLook] = field(default_factory=list)
    look: RowLook = field(default_factory=RowLook)
    cells: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    label: list[str] = field(default_factory=list)
    raw: bytearray = field(default_factory=bytearray)
    fields: list[_Field] = field(default_factory=list)
    looks: _Looks = field(default_factory=_Looks)
    level: int | None = None
    in_table: bool = False
    objects: int = 0
    pictures: Pictures | None = None
    picture: bytearray = field(default_factory=bytearray)
    pictured: list[str] = field(default_factory=list)

    def decoded(self, state: _State) -> None:
        """Decode the bytes read so far and add them to the text."""
        if self.raw:
            self.say(self.raw.decode(state.encoding, errors="replace"), state)
            self.raw.clear()

    def say(self, text: str, state: _State) -> None:
        """Add a text to the paragraph and to the link that is open, or to the instruction of a field."""
        if state.says:
            if self.fields:
                self.fields[-1].instruction.append(text)
        elif state.labels:
            self.label.append(text)
        elif not state.unseen:
            self.text.append(text)
            self.looks.add(text, state)
            if self.fields:
                self.fields[-1].result.append(text)

    def close(self, depth: int, state: _State) -> None:
        """End the field that is open at this depth of groups. A link says where it leads."""
        if not self.fields or self.fields[-1].depth <= depth:
            return
        ended = self.fields.pop()
        result = "".join(ended.result)
        if result.strip():
            self.text.append(suffix(result, field_target("".join(ended.instruction))))
        if self.fields:
            self.fields[-1].result.append(result)

    def end_picture(self) -> None:
        """Read the picture whose digits have come. Its words stay in their cell, or follow the paragraph."""
        digits = b"".join(bytes(self.picture).split())
        self.picture.clear()
        try:
            data = bytes.fromhex(digits[: len(digits) // 2 * 2].decode("ascii"))
        except ValueError:
            data = b""
        words = self.pictures.texts(data) if self.pictures is not None and digits else ()
        if self.in_table:
            self.text.extend(f" {text} " for text in words)
        else:
            self.pictured.extend(words)

    def lists_contents(self) -> bool:
        """Returns True if the open field is a list of contents, whose result is no text. Its heading goes."""
        if not self.fields or not _CONTENTS.match("".join(self.fields[-1].instruction[:_MAX_FIELDS])):
            return False
        if self.elements and is_heading(self.elements[-1].text):
            self.elements.pop()
            self.lines.pop()
        return True

    def paragraph(self) -> None:
        text = "".join(self.text).strip()
        if self.in_table:
            self.text.append(_BETWEEN)
            return
        label = "".join(self.label).strip()
        self.text.clear()
        self.label.clear()
        self._say_paragraph(text, label)
        if self.pictured:
            self.table()
        for words in self.pictured:
            self.elements.append(Element("paragraph", words))
            self.lines.append(Line("", "block"))
        self.pictured.clear()

    def _say_paragraph(self, text: str, label: str) -> None:
        number = ""
        if text:
            self.table()
            if any(map(str.isalnum, label)):
                number = f"{label} "
            kind = "heading" if self.level is not None else "list_item" if label else "paragraph"
            self.elements.append(Element(kind, number + text, level=self.level))  # type: ignore[arg-type]
            line = Line(text, "heading", level=self.level or 0)
            if self.level is None:
                line = replace(self.looks.line(number + text), role="item" if label and not number else "text")
            self.lines.append(line)
        self.looks = _Looks(centred=self.looks.centred)

    def cell(self) -> None:
        self.cells.append("".join(self.text))
        self.text.clear()

    def row(self) -> None:
        self.rows.append(self.cells)
        self.looks_of_rows.append(self.look)
        self.cells, self.in_table = [], False

    def end(self) -> None:
        self.in_table = False
        self.paragraph()
        self.table()

    def table(self) -> None:
        """End the table. One that only lays out the page, or is a single box, becomes the paragraphs of its cells."""
        for run in runs_of([[Cell(len(_blocks(cell))) for cell in row] for row in self.rows]) if self.rows else ():
            rows, looks = self.rows[run.first : run.stop], self.looks_of_rows[run.first : run.stop]
            if run.is_table:
                texts = [[" ".join(_blocks(cell)) for cell in row] for row in rows]
                found = list(table_elements(placed(texts, looks), headers(looks)))
            else:
                found = [Element("paragraph", block) for row in rows for cell in row for block in _blocks(cell)]
            self.elements.extend(found)
            self.lines.extend(Line("", "block") for _ in found)
        self.rows, self.looks_of_rows = [], []

    def with_typed_headings(self) -> list[Element]:
        """Returns the elements. Those that were made headings by hand are headings."""
        levels = typed_levels(self.lines)
        return [
            Element("heading", element.text, level=levels[place]) if place in levels else element
            for place, element in enumerate(self.elements)
        ]


def _blocks(cell: str) -> list[str]:
    """Returns the paragraphs of a cell that have text."""
    return [block.strip() for block in cell.split(_BETWEEN) if block.strip()]


def read_rtf(data: bytes, pictures: Pictures | None = None) -> Extracted:
    """Read paragraphs, headings and tables. The outline level of a paragraph, or of its style, makes it a heading. The
    words in its `pictures` stand behind the paragraph or table around them.
    """
    page = re.search(rb"\\ansicpg(\d+)", data[:2000])
    default = f"cp{page.group(1).decode()}" if page else "cp1252"
    default = "gb18030" if default == "cp936" else default
    fonts = {int(number): _CODE_PAGES.get(int(charset), default) for number, charset in _FONT.findall(data)}
    styles = {int(number): int(level) for number, level in _STYLE_NAME.findall(data)}
    styles |= {int(number): int(level) + 1 for number, level in _STYLE.findall(data)}
    # A character outside the basic plane is written as two halves. `parse` joins them.
    reader = _read(data, default, fonts, styles, pictures)
    title = _TITLE.search(data)
    return Extracted(
        tuple(reader.with_typed_headings()),
        title.group(1).decode(default, "replace") if title else None,
        metadata=_metadata(data, default),
        notes=together([{EMBEDDED_OBJECTS: reader.objects}]),
    )


def _metadata(data: bytes, encoding: str) -> dict[str, str]:
    author = _AUTHOR.search(data)
    name = _read(author.group(1) + rb"\par", encoding, {}, {}).elements if author else []
    moments = {
        word: f"{int(year):04}-{month.decode()}-{day.decode()}" for word, year, month, day in _MOMENT.findall(data)
    }
    return stated(name[0].text if name else None, moments.get(b"creatim"), moments.get(b"revtim"))


def _read(
    data: bytes, default: str, fonts: dict[int, str], styles: dict[int, int], pictures: Pictures | None = None
) -> _Reader:
    reader, state, skip = _Reader(pictures=pictures), _State(encoding=default), 0
    states: list[_State] = []
    for token in _TOKEN.finditer(data):
        word, number, byte, symbol, brace, plain = token.groups()
        value = int(number) if number else 0
        if (byte or plain) and (state.says or not state.hidden):
            found = bytes.fromhex(byte.decode()) if byte else plain
            reader.raw += found[skip:]
            skip = max(skip - len(found), 0)
            continue
        if plain and state.drawn:
            reader.picture += plain
            continue
        reader.decoded(state)
        if brace == b"{":
            states.append(state)
        elif brace:
            ended, state = state, states.pop() if states else state
            if ended.drawn and not state.drawn:
                reader.end_picture()
            reader.close(len(states), state)
        elif (told := _destination(reader, state, word, symbol)) is not None:
            state = told
        elif word == b"u" and (state.says or not state.hidden):
            reader.say(chr(value % 65536), state)
            skip = state.skips
        elif symbol in _SYMBOLS and (state.says or not state.hidden):
            reader.say(_SYMBOLS[symbol], state)
        elif state.hidden:
            continue
        elif word == b"field" and len(reader.fields) < _MAX_FIELDS:
            reader.fields.append(_Field(len(states)))
        elif word in _CHARACTERS:
            reader.say(_CHARACTERS[word], state)
        elif (changed := _letters(state, word, number, fonts, default)) is not None:
            state = changed
        else:
            _obey(reader, word, value, styles)
    reader.end()
    return reader


def _destination(reader: _Reader, state: _State, word: bytes | None, symbol: bytes | None) -> _State | None:
    """Returns the state after a word that says what its group is, or None for another word."""
    if word == b"fldinst":
        return replace(state, hidden=True, says=True)
    if word == b"fldrslt" and reader.lists_contents():
        return replace(state, hidden=True)
    if word in (b"listtext", b"pntext"):
        return replace(state, labels=True)
    if word in _SKIPPED or symbol == b"*":
        reader.objects += word == b"object" and not state.hidden
        return replace(state, hidden=True, drawn=word == b"pict" and not state.twin)
    return replace(state, twin=True) if word == b"nonshppict" else None


def _letters(
    state: _State, word: bytes | None, number: bytes | None, fonts: dict[int, str], default: str
) -> _State | None:
    """Returns the state after a control word that is about letters. Returns None for another control word."""
    on, value = number != b"0", int(number or 0)
    if word == b"uc":
        return replace(state, skips=value)
    if word == b"f":
        return replace(state, encoding=fonts.get(value, default), font=value)
    if word == b"plain":
        return state.plain()
    if word == b"b":
        return replace(state, bold=on)
    if word == b"fs":
        return replace(state, size=value or 24)
    if word in _SCRIPTS:
        return replace(state, script=word)
    if word in (b"ab", b"afs") and state.script == b"dbch":
        return replace(state, eastern_bold=on) if word == b"ab" else replace(state, eastern_size=value or 24)
    if word in _UNSEEN:
        return replace(state, unseen=state.unseen | {word} if on else state.unseen - {word})
    return None


def _obey(reader: _Reader, word: bytes | None, value: int, styles: dict[int, int]) -> None:
    """Apply a control word that is about the paragraph or the table."""
    if word in (b"par", b"sect", b"page"):
        reader.paragraph()
    elif word == b"pard":
        reader.level, reader.in_table, reader.looks.centred = None, False, False
    elif word == b"qc":
        reader.looks.centred = True
    elif word == b"s":
        reader.level = styles.get(value)
    elif word == b"outlinelevel":
        reader.level = value + 1 if value < 9 else None
    elif word == b"intbl":
        reader.in_table = True
    elif word in (b"cell", b"nestcell"):
        reader.cell()
    elif word == b"row":
        reader.row()
    elif word == b"trowd":
        reader.look = RowLook()
    elif word is not None:
        reader.look.obey(word, value)
