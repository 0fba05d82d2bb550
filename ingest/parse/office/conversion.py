"""Converts old and rare Office formats into newer ones with LibreOffice, if it is installed.

LibreOffice runs with its own profile, which allows neither macros nor links. Its proxy leads nowhere, and its time and
memory are limited. All processes that it started end with it.
"""

from __future__ import annotations

import logging
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from ingest.parse.refusals import refuse

NEWER = {
    "doc": "docx", "ppt": "pptx", "xlsb": "xlsx", "odg": "pdf", "wpd": "docx", "works": "docx", "hwp": "docx",
}  # fmt: skip
"""The kinds that are read through LibreOffice, and the newer kind of each."""

_SECONDS = 150.0
_TRIES = 2
"""Memory that was short a moment ago may be there again."""
_ENDED = (-signal.SIGKILL, 128 + signal.SIGKILL)
"""The exit status of a program that the system has ended, and of its launcher."""
_MORE_MEMORY = "Ingest it again when more memory is free, or save it in a newer format."
_NO_REASON = re.compile(r"Warning: failed to launch javaldx")
"""Matches what LibreOffice says wherever no Java is installed."""
_ADDRESS_SPACE_BYTES = 6 << 30
_PROGRAMS = ("soffice", "libreoffice")
_NOWHERE = "http://127.0.0.1:9"
_FILTERS = {"docx": "docx:MS Word 2007 XML", "pptx": "pptx:Impress MS PowerPoint 2007 XML",
            "xlsx": "xlsx:Calc MS Excel 2007 XML"}  # fmt: skip
_PROFILE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema">
{items}</oor:items>
"""
_ITEM = (
    '<item oor:path="/org.openoffice.{path}">'
    '<prop oor:name="{name}" oor:op="fuse"><value>{value}</value></prop></item>\n'
)
_SETTINGS = (
    ("Office.Common/Security/Scripting", "MacroSecurityLevel", "3"),
    ("Office.Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("Office.Common/Security/Scripting", "DisableActiveContent", "true"),
    ("Office.Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    ("Office.Writer/Content/Update", "Link", "2"),
    ("Office.Calc/Content/Update", "Link", "2"),
    ("Inet/Settings", "ooInetProxyType", "2"),
    ("Inet/Settings", "ooInetHTTPProxyName", "127.0.0.1"),
    ("Inet/Settings", "ooInetHTTPProxyPort", "9"),
    ("Inet/Settings", "ooInetHTTPSProxyName", "127.0.0.1"),
    ("Inet/Settings", "ooInetHTTPSProxyPort", "9"),
    ("Inet/Settings", "ooInetFTPProxyName", "127.0.0.1"),
    ("Inet/Settings", "ooInetFTPProxyPort", "9"),
    ("Inet/Settings", "ooInetNoProxy", ""),
)

logger = logging.getLogger(__name__)


def converted(data: bytes, kind: str, name: str) -> tuple[bytes, str]:
    """Returns the document in the newer format, and the name of that format.

    Raises `needs_libreoffice` if LibreOffice is not installed or does not start, `timeout` if it takes too long,
    `too_large` if the system ends it twice, and `corrupt` if it writes no file.
    """
    program = next((found for found in map(shutil.which, _PROGRAMS) if found), None)
    if program is None:
        raise refuse("needs_libreoffice", name, f"{kind.upper()} files are read through LibreOffice only")
    for _ in range(_TRIES):
        result, said, ended = _once(program, data, kind, name)
        if result:
            return result, NEWER[kind]
        if not ended:
            raise refuse("corrupt", name, f"LibreOffice could not convert it ({said or 'it gave no reason'})")
    raise refuse("too_large", name, "the system ended LibreOffice, mostly for want of memory", _MORE_MEMORY)


def _once(program: str, data: bytes, kind: str, name: str) -> tuple[bytes, str, bool]:
    """Returns the document in the newer format, or no bytes, what LibreOffice said, and whether the system ended it."""
    newer = NEWER[kind]
    with tempfile.TemporaryDirectory(prefix="youju-office-", ignore_cleanup_errors=True) as folder:
        (Path(folder) / f"document.{kind}").write_bytes(data)
        _write_profile(Path(folder, "profile", "user"))
        said, status = _run(_command(program, folder, kind, newer), folder, name)
        result = Path(folder, "converted", f"document.{newer}")
        return result.read_bytes() if result.is_file() else b"", said, status in _ENDED


def _command(program: str, folder: str, kind: str, newer: str) -> list[str]:
    return [
        program, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--norestore", "--nolockcheck",
        "--nodefault", "--nologo", "--convert-to", _FILTERS.get(newer, newer), "--outdir", f"{folder}/converted",
        f"{folder}/document.{kind}",
    ]  # fmt: skip


def _write_profile(folder: Path) -> None:
    folder.mkdir(parents=True)
    items = "".join(_ITEM.format(path=path, name=name, value=value) for path, name, value in _SETTINGS)
    (folder / "registrymodifications.xcu").write_text(_PROFILE.format(items=items), encoding="utf-8")


def _run(command: list[str], folder: str, name: str) -> tuple[str, int]:
    """Run LibreOffice until it ends or reaches the time limit. Its child processes are ended in both cases. Returns the
    last line that it printed, and its exit status.
    """
    environment = {
        **{key: value for key, value in os.environ.items() if key in ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH")},
        "HOME": folder, "TMPDIR": folder, "SAL_USE_VCLPLUGIN": "svp",
        "http_proxy": _NOWHERE, "https_proxy": _NOWHERE, "ftp_proxy": _NOWHERE, "all_proxy": _NOWHERE, "no_proxy": "",
    }  # fmt: skip
    try:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
    except OSError as error:
        raise refuse("needs_libreoffice", name, f"LibreOffice does not start ({error.strerror})") from error
    try:
        _limit_memory(process.pid)
        said, _ = process.communicate(timeout=_SECONDS)
        status = process.returncode
    except subprocess.TimeoutExpired as error:
        raise refuse("timeout", name, f"LibreOffice took longer than {_SECONDS:g} seconds") from error
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        if process.stdout is not None:
            process.stdout.close()
        process.wait()
    lines = said.decode("utf-8", "replace").split("\n")
    last = next((line.strip()[:200] for line in reversed(lines) if line.strip() and not _NO_REASON.match(line)), "")
    return last, status


def _limit_memory(process: int) -> None:
    if hasattr(resource, "prlimit"):  # only Linux has it
        with suppress(OSError, ValueError):
            resource.prlimit(process, resource.RLIMIT_AS, (_ADDRESS_SPACE_BYTES, _ADDRESS_SPACE_BYTES))
