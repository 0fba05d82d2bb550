"""What LibreOffice shows of values in number formats, recorded, and how it is recorded again.

    python -m tests.ingest.recorded_formats

writes `recorded_formats.tsv` anew with the LibreOffice that is installed. The formats and values come from that file.
A format is a code, or `#14` for one that is built in. A value is a number, TRUE, an error such as #N/A, or a text after
an apostrophe.

The last column is what Excel shows in China where that is something else. It is written by hand, after Excel's
documentation: months and weekdays without a language are English, `e` is the whole year, `!` escapes a character,
digits of DBNum stand one by one in places of `0`, a bare point stays, truth is TRUE in every format, days count from
1900, and General has room for 11 characters.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

TABLE = Path(__file__).with_name("recorded_formats.tsv")
PROGRAM = shutil.which("soffice") or shutil.which("libreoffice")

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_FIRST_OWN_FORMAT = 164
_AS_SHOWN = "csv:Text - txt - csv (StarCalc):9,34,76,1,,0,false,true"
"""Tabs between cells, UTF-8, and cells as they are shown."""
_CHINESE = (
    '<oor:items xmlns:oor="http://openoffice.org/2001/registry"><item oor:path="/org.openoffice.Setup/L10N">'
    '<prop oor:name="ooSetupSystemLocale" oor:op="fuse"><value>zh-CN</value></prop></item></oor:items>'
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A format, a value, and what LibreOffice shows. `excel` is what Excel shows where that is something else."""

    code: str
    value: str
    shown: str
    excel: str

    @property
    def expected(self) -> str:
        return self.excel or self.shown


def recorded() -> list[Recorded]:
    """Returns the table as it was recorded. Its first line names the version of LibreOffice."""
    with TABLE.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [Recorded(*row) for row in rows[2:]]


def workbook(pairs: Sequence[tuple[str, str]], epoch_1904: bool = False) -> bytes:
    """Returns an XLSX workbook with these formats and values below a header, one a row, in its second column."""
    codes = sorted({code for code, _ in pairs})
    numbers = {code: int(code[1:]) if code[1:].isdecimal() and code[0] == "#" else place
               for place, code in enumerate(codes, _FIRST_OWN_FORMAT)}  # fmt: skip
    own = "".join(
        f"<numFmt numFmtId={quoteattr(str(number))} formatCode={quoteattr(code)}/>"
        for code, number in numbers.items()
        if number >= _FIRST_OWN_FORMAT
    )
    looks = "".join(f'<xf numFmtId="{numbers[code]}" applyNumberFormat="1"/>' for code in codes)
    styles = f'<styleSheet xmlns="{_MAIN}"><numFmts>{own}</numFmts><fonts><font/></fonts>'
    styles += "<fills><fill><patternFill/></fill></fills>"
    styles += f"<borders><border/></borders><cellStyleXfs><xf/></cellStyleXfs><cellXfs><xf/>{looks}</cellXfs>"
    looked = {code: number for number, code in enumerate(codes, 1)}
    lines = [("format", 0, "'shown"), *(("f", looked[code], value) for code, value in pairs)]
    rows = "".join(
        f'<row r="{row}"><c r="A{row}" t="str"><v>{label}</v></c>{_cell(f"B{row}", look, value)}</row>'
        for row, (label, look, value) in enumerate(lines, 1)
    )
    linked = f'<Relationship Id="{{}}" Type="{_OFFICE}/{{}}" Target="{{}}"/>'
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        + "".join(
            f'<Override PartName="/xl/{part}" ContentType="{_TYPES}.{kind}+xml"/>'
            for part, kind in (("workbook.xml", "sheet.main"), ("sheet.xml", "worksheet"), ("styles.xml", "styles"))
        )
        + "</Types>",
        "_rels/.rels": linked.format("a", "officeDocument", "xl/workbook.xml"),
        "xl/_rels/workbook.xml.rels": linked.format("a", "worksheet", "sheet.xml")
        + linked.format("b", "styles", "styles.xml"),
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><workbookPr date1904="{epoch_1904:d}"/>'
        '<sheets><sheet name="a" sheetId="1" r:id="a"/></sheets></workbook>',
        "xl/sheet.xml": f'<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData></worksheet>',
        "xl/styles.xml": styles + "</styleSheet>",
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            if name.endswith(".rels"):
                text = f'<Relationships xmlns="{_PACKAGE}/relationships">{text}</Relationships>'
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{text}')
    return stream.getvalue()


def _cell(place: str, look: int, value: str) -> str:
    if value[0] == "'":
        return f'<c r="{place}" s="{look}" t="str"><v>{escape(value[1:])}</v></c>'
    if value in ("TRUE", "FALSE"):
        return f'<c r="{place}" s="{look}" t="b"><v>{value == "TRUE":d}</v></c>'
    kind = ' t="e"' if value[0] == "#" else ""
    return f'<c r="{place}" s="{look}"{kind}><v>{value}</v></c>'


def shown_by_libreoffice(data: bytes, suffix: str = "xlsx") -> list[list[str]]:
    """Returns the cells of the first sheet of a workbook as LibreOffice shows them in China."""
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder, "profile", "user")
        profile.mkdir(parents=True)
        (profile / "registrymodifications.xcu").write_text(_CHINESE, encoding="utf-8")
        Path(folder, f"a.{suffix}").write_bytes(data)
        command = [PROGRAM or "", f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to",
                   _AS_SHOWN, "--outdir", folder, f"{folder}/a.{suffix}"]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, timeout=120, env={**os.environ, "HOME": folder})
        text = Path(folder, "a.csv").read_text(encoding="utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter="\t"))


def recorded_again(pairs: Sequence[Recorded]) -> list[Recorded]:
    """Returns the same formats and values with what the installed LibreOffice shows, blanks as they are read."""
    rows = shown_by_libreoffice(workbook([(pair.code, pair.value) for pair in pairs]))
    return [replace(pair, shown=" ".join(row[1].split())) for pair, row in zip(pairs, rows[1:], strict=True)]


def main() -> None:
    version = subprocess.run([PROGRAM or "", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    pairs = recorded_again(recorded())
    with TABLE.open("w", encoding="utf-8", newline="") as lines:
        lines.write(f"{version}, zh-CN\nformat\tvalue\tshown\texcel\n")
        lines.writelines(f"{pair.code}\t{pair.value}\t{pair.shown}\t{pair.excel}\n" for pair in pairs)


if __name__ == "__main__":
    main()
