"""Reads rich text (RTF). Of its control words, those for text, headings and tables are used."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from ingest.document import Element
from ingest.parse.extracted import Extracted
from ingest.parse.properties import stated
from ingest.parse.table_elements import table_elements
from ingest.parse.tables_markdown import Rows

_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]+|([^\\{}\r\n]+)"
)
_SKIPPED = frozenset(
    b"fonttbl colortbl stylesheet info pict object fldinst themedata datastore latentstyles listtable "
    b"listoverridetable rsidtbl generator header headerl headerr headerf footer footerl footerr footerf "
    b"xmlnstbl filetbl revtbl".split()
)
_CHARACTERS = {
    b"par": "\n", b"line": "\n", b"sect": "\n", b"page": "\n", b"tab": "\t", b"emdash": "—", b"endash": "–",
    b"lquote": "‘", b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”", b"bullet": "•",
}  # fmt: skip
_SYMBOLS = {b"\\": "\\", b"{": "{", b"}": "}", b"~": " ", b"_": "-"}
_CODE_PAGES = {0: "cp1252", 128: "cp932", 129: "cp949", 134: "gb18030", 136: "big5", 161: "cp1253", 162: "cp1254",
               204: "cp1251", 238: "cp1250"}  # fmt: skip
_FONT = re.compile(rb"\{\\f(\d+)[^{};]*?\\fcharset(\d+)")
_STYLE = re.compile(rb"\{\\s(\d+)[^{}]*?\\outlinelevel(\d)")
_AUTHOR = re.compile(rb"\{\\author\s([^{}]{1,2000})\}")
_MOMENT = re.compile(rb"\{\\(creatim|revtim)\\yr(\d{1,4})\\mo(\d{1,2})\\dy(\d{1,2})")
_TITLE = re.compile(rb"\{\\title\s([^{}\\]+)\}")


@dataclass(frozen=True, slots=True)
class _State:
    """The state that a group inherits. `skips` is the number of characters after a Unicode character that replace it
    for old readers.
    """

    hidden: bool = False
    skips: int = 1
    encoding: str = "cp1252"


@dataclass(slots=True)
class _Reader:
    """Collects the elements. `level` and `in_table` belong to the current paragraph."""

    elements: list[Element] = field(default_factory=list)
    rows: Rows = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    raw: bytearray = field(default_factory=bytearray)
    level: int | None = None
    in_table: bool = False

    def decoded(self, encoding: str) -> None:
        """Decode the bytes read so far and add them to the text."""
        if self.raw:
            self.text.append(self.raw.decode(encoding, errors="replace"))
            self.raw.clear()

    def paragraph(self) -> None:
        text = "".join(self.text).strip()
        if self.in_table:
            self.text.append(" ")
            return
        self.text.clear()
        if text:
            self.table()
            kind = "paragraph" if self.level is None else "heading"
            self.elements.append(Element(kind, text, level=self.level))  # type: ignore[arg-type]

    def cell(self) -> None:
        self.cells.append("".join(self.text))
        self.text.clear()

    def row(self) -> None:
        self.rows.append(self.cells)
        self.cells, self.in_table = [], False

    def end(self) -> None:
        self.in_table = False
        self.paragraph()
        self.table()

    def table(self) -> None:
        self.elements.extend(table_elements(self.rows))
        self.rows = []


def read_rtf(data: bytes) -> Extracted:
    """Read paragraphs, headings and tables. The outline level of a paragraph, or of its style, makes it a heading."""
    page = re.search(rb"\\ansicpg(\d+)", data[:2000])
    default = f"cp{page.group(1).decode()}" if page else "cp1252"
    default = "gb18030" if default == "cp936" else default
    fonts = {int(number): _CODE_PAGES.get(int(charset), default) for number, charset in _FONT.findall(data)}
    styles = {int(number): int(level) + 1 for number, level in _STYLE.findall(data)}
    # A character outside the basic plane is written as two halves. `parse` joins them.
    elements = _elements(data, default, fonts, styles)
    title = _TITLE.search(data)
    return Extracted(
        tuple(elements),
        title.group(1).decode(default, "replace") if title else None,
        metadata=_metadata(data, default),
    )


def _metadata(data: bytes, encoding: str) -> dict[str, str]:
    author = _AUTHOR.search(data)
    name = _elements(author.group(1) + rb"\par", encoding, {}, {}) if author else []
    moments = {
        word: f"{int(year):04}-{month.decode()}-{day.decode()}" for word, year, month, day in _MOMENT.findall(data)
    }
    return stated(name[0].text if name else None, moments.get(b"creatim"), moments.get(b"revtim"))


def _elements(data: bytes, default: str, fonts: dict[int, str], styles: dict[int, int]) -> list[Element]:
    reader, state, skip = _Reader(), _State(encoding=default), 0
    states: list[_State] = []
    for token in _TOKEN.finditer(data):
        word, number, byte, symbol, brace, plain = token.groups()
        value = int(number) if number else 0
        if (byte or plain) and not state.hidden:
            found = bytes.fromhex(byte.decode()) if byte else plain
            reader.raw += found[skip:]
            skip = max(skip - len(found), 0)
            continue
        reader.decoded(state.encoding)
        if brace == b"{":
            states.append(state)
        elif brace:
            state = states.pop() if states else state
        elif word in _SKIPPED or symbol == b"*":
            state = replace(state, hidden=True)
        elif state.hidden:
            continue
        elif word == b"u":
            reader.text.append(chr(value % 65536))
            skip = state.skips
        elif word == b"uc":
            state = replace(state, skips=value)
        elif word == b"f":
            state = replace(state, encoding=fonts.get(value, default))
        elif symbol in _SYMBOLS:
            reader.text.append(_SYMBOLS[symbol])
        else:
            _obey(reader, word, value, styles)
    reader.end()
    return reader.elements


def _obey(reader: _Reader, word: bytes | None, value: int, styles: dict[int, int]) -> None:
    """Apply a control word that is about the paragraph or the table."""
    if word in (b"par", b"sect", b"page"):
        reader.paragraph()
    elif word == b"pard":
        reader.level, reader.in_table = None, False
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
    elif word in _CHARACTERS:
        reader.text.append(_CHARACTERS[word])
