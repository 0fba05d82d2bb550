"""Reads rich text (RTF). Of its control words, those for text, headings, tables, boxes, notes and links are used."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from ingest.document import Element
from ingest.parse.extracted import Extracted
from ingest.parse.notes import EMBEDDED_OBJECTS, together
from ingest.parse.office.rtf_blocks import Blocks, apart, told, words_of
from ingest.parse.office.rtf_states import State, letters
from ingest.parse.office.rtf_story import Story, plain_paragraph
from ingest.parse.office.rtf_tables import RowLook
from ingest.parse.office.typed_headings import typed_levels
from ingest.parse.pictures.embedded import Pictures
from ingest.parse.properties import stated

_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]+|([^\\{}\r\n]+)"
)
_SKIPPED = frozenset(
    b"fonttbl colortbl stylesheet info pict object themedata datastore latentstyles listtable "
    b"listoverridetable rsidtbl generator xmlnstbl filetbl revtbl sp shprslt nonesttables "
    b"ftnsep ftnsepc ftncn aftnsep aftnsepc aftncn".split()
)
_KNOWN = frozenset({b"shpinst", b"do", b"nesttableprops"})
"""Groups that older readers leave out, and that are read here: boxes, and the rows of tables inside tables."""
_STORIES = {
    b"shptxt": "box", b"dptxbxtext": "box", b"footnote": "note",
    **dict.fromkeys((b"header", b"headerl", b"headerr", b"headerf"), "header"),
    **dict.fromkeys((b"footer", b"footerl", b"footerr", b"footerf"), "footer"),
}  # fmt: skip
_MAX_STORIES = 20
"""Boxes inside boxes. What is deeper belongs to the last of them."""
_CHARACTERS = {
    b"line": "\n", b"tab": "\t", b"emdash": "—", b"endash": "–",
    b"lquote": "‘", b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”", b"bullet": "•",
}  # fmt: skip
_SYMBOLS = {b"\\": "\\", b"{": "{", b"}": "}", b"~": " ", b"_": "-"}
_CODE_PAGES = {0: "cp1252", 128: "cp932", 129: "cp949", 134: "gb18030", 136: "big5", 161: "cp1253", 162: "cp1254",
               204: "cp1251", 238: "cp1250"}  # fmt: skip
_FONT = re.compile(rb"\{\\f(\d+)[^{};]*?\\fcharset(\d+)")
_STYLE = re.compile(rb"\{\\s(\d+)[^{}]*?\\outlinelevel(\d)")
_STYLE_NAME = re.compile(rb"\{\\s(\d+)[^{}]*? heading (\d);\}", re.I)
_AUTHOR = re.compile(rb"\{\\author\s([^{}]{1,2000})\}")
_MOMENT = re.compile(rb"\{\\(creatim|revtim)\\yr(\d{1,4})\\mo(\d{1,2})\\dy(\d{1,2})")
_TITLE = re.compile(rb"\{\\title\s([^{}\\]+)\}")


@dataclass(slots=True)
class _Reader:
    """Collects the texts of a file. `stories` has those that are open: the body, in it a box, in it a note."""

    pictures: Pictures | None = None
    stories: list[Story] = field(default_factory=lambda: [Story()])
    footers: list[Blocks] = field(default_factory=list)
    margins: set[str] = field(default_factory=set)
    notes: int = 0
    objects: int = 0
    look: RowLook = field(default_factory=RowLook)
    nested_look: RowLook = field(default_factory=RowLook)
    raw: bytearray = field(default_factory=bytearray)
    picture: bytearray = field(default_factory=bytearray)

    @property
    def story(self) -> Story:
        """The text that is being read."""
        return self.stories[-1]

    def decoded(self, state: State) -> None:
        """Decode the bytes read so far and add them to the text."""
        if self.raw:
            self.story.say(self.raw.decode(state.encoding, errors="replace"), state)
            self.raw.clear()

    def begin_story(self, role: str, state: State) -> State:
        """Begin a text of its own. Returns its state."""
        if len(self.stories) >= _MAX_STORIES:
            return state
        if role == "note":
            self.notes += 1
            self.story.say(f"[{self.notes}]", state)
        self.stories.append(Story(role))
        return state.in_story()

    def end_story(self) -> None:
        """End the text inside another one. A box or a note follows the paragraph that it belongs to. A header stands
        above its section and a footer below it, each once.
        """
        ended = self.stories.pop()
        blocks = list(apart(ended.end()))
        if ended.role in ("box", "note"):
            if ended.role == "note":
                blocks = [plain_paragraph(f"[{self.notes}] {' '.join(words_of(blocks))}".strip())]
            self.story.add_behind(blocks)
            return
        said = " ".join(words_of(blocks))
        if said in self.margins:
            return
        self.margins.add(said)
        if ended.role == "footer":
            self.footers.append(blocks)
        else:
            self.story.end_tables()
            self.story.blocks.extend(blocks)

    def end_section(self) -> None:
        """End the section. What stands at the foot of its pages follows its text."""
        self.story.end_paragraph()
        if len(self.stories) == 1:
            self.story.blocks.extend(block for blocks in self.footers for block in blocks)
            self.footers.clear()

    def end_picture(self) -> None:
        """Read the picture whose digits have come. Its words follow the paragraph, or stay in their cell."""
        digits = b"".join(bytes(self.picture).split())
        self.picture.clear()
        try:
            data = bytes.fromhex(digits[: len(digits) // 2 * 2].decode("ascii"))
        except ValueError:
            data = b""
        words = self.pictures.texts(data) if self.pictures is not None and digits else ()
        self.story.add_behind([plain_paragraph(text) for text in words])

    def end(self) -> None:
        while len(self.stories) > 1:
            self.end_story()
        self.story.end()
        self.end_section()

    def elements(self) -> list[Element]:
        """Returns the elements. Those that were made headings by hand are headings."""
        found = list(told(self.story.blocks))
        levels = typed_levels([line for _, line in found])
        return [
            Element("heading", element.text, level=levels[place]) if place in levels else element
            for place, (element, _) in enumerate(found)
        ]


def read_rtf(data: bytes, pictures: Pictures | None = None) -> Extracted:
    """Read paragraphs, headings and tables. The outline level of a paragraph, or of its style, makes it a heading.
    Boxes, notes and the words in its `pictures` follow the paragraph that they belong to. Each header and footer
    appears once.
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
        tuple(reader.elements()),
        title.group(1).decode(default, "replace") if title else None,
        metadata=_metadata(data, default),
        notes=together([{EMBEDDED_OBJECTS: reader.objects}]),
    )


def _metadata(data: bytes, encoding: str) -> dict[str, str]:
    author = _AUTHOR.search(data)
    name = _read(author.group(1) + rb"\par", encoding, {}, {}).elements() if author else []
    moments = {
        word: f"{int(year):04}-{month.decode()}-{day.decode()}" for word, year, month, day in _MOMENT.findall(data)
    }
    return stated(name[0].text if name else None, moments.get(b"creatim"), moments.get(b"revtim"))


def _read(
    data: bytes, default: str, fonts: dict[int, str], styles: dict[int, int], pictures: Pictures | None = None
) -> _Reader:
    reader, state, skip = _Reader(pictures), State(encoding=default), 0
    states: list[State] = []
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
            if ended.stories > state.stories:
                reader.end_story()
            reader.story.close_field(len(states))
        elif (told := _destination(reader, state, word, symbol)) is not None:
            state = told
        elif word == b"u" and (state.says or not state.hidden):
            reader.story.say(chr(value % 65536), state)
            skip = state.skips
        elif symbol in _SYMBOLS and (state.says or not state.hidden):
            reader.story.say(_SYMBOLS[symbol], state)
        elif state.hidden:
            continue
        elif word == b"field":
            reader.story.open_field(len(states))
        elif word in _CHARACTERS:
            reader.story.say(_CHARACTERS[word], state)
        elif (changed := letters(state, word, number, fonts, default)) is not None:
            state = changed
        else:
            _obey(reader, state, word, value, styles)
    reader.end()
    return reader


def _destination(reader: _Reader, state: State, word: bytes | None, symbol: bytes | None) -> State | None:
    """Returns the state after a word that says what its group is, or None for another word."""
    if word == b"fldinst":
        return replace(state, hidden=True, in_hidden=True, says=True)
    if word == b"fldrslt" and reader.story.lists_contents():
        return replace(state, hidden=True)
    if word in (b"listtext", b"pntext"):
        return replace(state, labels=True)
    if word in _KNOWN:
        return replace(state, hidden=state.in_hidden, nested=word == b"nesttableprops")
    if word in _STORIES and not state.hidden:
        return reader.begin_story(_STORIES[word], state)
    if word in _SKIPPED or symbol == b"*":
        reader.objects += word == b"object" and not state.hidden
        in_hidden = state.hidden if symbol else True
        return replace(state, hidden=True, in_hidden=in_hidden, drawn=word == b"pict" and not state.twin)
    if word is not None and state.hidden and not state.in_hidden:
        return replace(state, in_hidden=True)  # the name of a group that is not known here
    return replace(state, twin=True) if word == b"nonshppict" else None


def _obey(reader: _Reader, state: State, word: bytes | None, value: int, styles: dict[int, int]) -> None:
    """Apply a control word that is about the paragraph or the table."""
    story = reader.story
    if word in (b"par", b"page"):
        story.end_paragraph()
    elif word == b"sect":
        reader.end_section()
    elif word == b"pard":
        story.begin_paragraph()
    elif word == b"qc":
        story.looks.centred = True
    elif word == b"s":
        story.level = styles.get(value)
    elif word == b"outlinelevel":
        story.level = value + 1 if value < 9 else None
    elif word == b"intbl":
        story.tables_around = max(story.tables_around, 1)
    elif word == b"itap":
        story.tables_around = max(value, 0)
    else:
        _obey_table(reader, state, word, value)


def _obey_table(reader: _Reader, state: State, word: bytes | None, value: int) -> None:
    story = reader.story
    if word == b"cell":
        story.end_cell(1)
    elif word == b"nestcell":
        story.end_cell(max(story.tables_around, 2))
    elif word == b"row":
        story.end_row(1, reader.look)
    elif word == b"nestrow":
        story.end_row(max(story.tables_around, 2), reader.nested_look)
    elif word == b"trowd":
        look = RowLook()
        reader.look, reader.nested_look = (reader.look, look) if state.nested else (look, reader.nested_look)
    elif word is not None:
        (reader.nested_look if state.nested else reader.look).obey(word, value)
