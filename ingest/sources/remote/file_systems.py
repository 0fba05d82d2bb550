"""Opens the file system that a URL and options describe.

This is the one place that knows the libraries behind fsspec.
"""

from __future__ import annotations

import errno
import importlib
import importlib.util
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import fsspec

from ingest.errors import ConfigurationError
from ingest.sources.settings import FsspecSettings

# By scheme: the module that is needed, and our extra that installs it.
_NEEDED: Final = {
    "s3": ("s3fs", "s3"),
    "s3a": ("s3fs", "s3"),
    "sftp": ("sshfs", "sftp"),
    "ssh": ("sshfs", "sftp"),
    "smb": ("smbprotocol", "smb"),
    "webdav": ("webdav4", "webdav"),
    "webdavs": ("webdav4", "webdav"),
}
_FLAT: Final = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "cos", "obs", "r2"})
"""Stores without folders. One listing gives all names, a thousand per request."""
_TALKATIVE: Final = (
    "botocore",
    "aiobotocore",
    "s3fs",
    "fsspec",
    "asyncssh",
    "smbprotocol",
    "spnego",
    "httpx",
    "httpcore",
)
_KEEPALIVE_SECONDS = 15
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Connected:
    """An fsspec file system (`files`), and the path in it where the source begins.

    `is_flat`: the store has no folders.
    """

    files: Any
    root: str
    is_flat: bool


def connect(source: FsspecSettings) -> Connected:
    """Returns the file system of this source. If a server cannot be reached, the library raises its own error, now or
    later.

    Raises ConfigurationError if a package is missing or the scheme is unknown.
    """
    scheme = urlsplit(source.url).scheme.lower()
    _check_needed(scheme)
    for name in _TALKATIVE:  # at the level debug they log headers
        logging.getLogger(name).setLevel(logging.WARNING)
    options = {**_defaults(scheme, source.timeout_seconds), **source.storage_options()}
    if scheme in ("webdav", "webdavs"):
        return Connected(_webdav(source.url, options), "", is_flat=False)
    try:
        files, root = fsspec.url_to_fs(source.url, skip_instance_cache=True, **options)
    except (ImportError, ValueError) as error:
        if isinstance(error, ImportError) or "not known" in str(error):
            raise ConfigurationError(
                "unknown_protocol",
                f"The source {source.name!r} begins with {scheme}://, which cannot be read here.",
                "Install the package that fsspec needs for it.",
            ) from None
        raise
    return Connected(files, root, scheme in _FLAT)


def disconnect(connected: Connected) -> None:
    """Close what the file system has open, as far as the library allows it. Never raises."""
    files = connected.files
    protocols = {files.protocol} if isinstance(files.protocol, str) else set(files.protocol)
    with suppress(Exception):
        if "s3" in protocols:
            files.close_session(files.loop, files.s3)
        elif "webdav" in protocols:
            files.client.http.close()
        elif "smb" in protocols:
            importlib.import_module("smbclient").delete_session(files.host, port=files._port)


def _check_needed(scheme: str) -> None:
    module, extra = _NEEDED.get(scheme, ("fsspec", ""))
    if importlib.util.find_spec(module) is None:
        raise ConfigurationError(
            "package_missing", f"Sources at {scheme}:// need the package {module}.", f"pip install 'youju[{extra}]'"
        )


def _defaults(scheme: str, timeout_seconds: float) -> dict[str, Any]:
    if scheme in ("s3", "s3a"):
        limits = {"connect_timeout": timeout_seconds, "read_timeout": timeout_seconds, "retries": {"max_attempts": 1}}
        return {"config_kwargs": limits}
    if scheme in ("sftp", "ssh"):
        # The library accepts any host by default. With () it compares the host with ~/.ssh/known_hosts.
        return {
            "known_hosts": (),
            "connect_timeout": timeout_seconds,
            "login_timeout": timeout_seconds,
            "keepalive_interval": _KEEPALIVE_SECONDS,
        }
    if scheme == "smb":
        # Without this, nobody else could open a file while it is read here.
        return {"timeout": int(timeout_seconds), "share_access": "rwd", "register_session_retries": 1}
    return {"timeout": timeout_seconds} if scheme in ("webdav", "webdavs") else {}


def _webdav(url: str, options: dict[str, Any]) -> Any:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    user = options.pop("username", parts.username)
    if user is not None:
        options["auth"] = (user, options.pop("password", ""))
    protocol = "https" if parts.scheme == "webdavs" else "http"
    base_url = f"{protocol}://{host}{parts.path}"
    return _WebdavFiles(fsspec.filesystem("webdav", base_url=base_url, skip_instance_cache=True, **options))


class _WebdavFiles:
    """The WebDAV file system with plain paths. The library itself takes a path for a part of a URL, so we escape it."""

    protocol = "webdav"

    def __init__(self, files: Any) -> None:
        self._files = files
        self.client = files.client

    def info(self, path: str) -> Any:
        """Returns the description of the root, or the entry in the listing of the folder above.

        The library cannot find an escaped path by itself.
        """
        if not path:
            return self._files.info(path)
        name = path.strip("/")
        found = next((each for each in self.ls(name.rpartition("/")[0]) if each["name"].strip("/") == name), None)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, "No such file", path)
        return found

    def ls(self, path: str, detail: bool = True) -> Any:
        return self._files.ls(_escaped(path), detail=detail)

    @contextmanager
    def open(self, path: str, mode: str) -> Iterator[Any]:
        """Yields the file as a stream to read.

        The library's own `open` would first ask for the description of the file.
        """
        from webdav4.stream import IterStream

        try:
            with IterStream(self.client, self.client.join_url(_escaped(path))) as stream:
                yield stream
        except Exception as error:
            if getattr(getattr(error, "response", error), "status_code", None) == _NOT_FOUND:
                raise FileNotFoundError(errno.ENOENT, "No such file", path) from error
            raise

    def invalidate_cache(self) -> None:
        self._files.invalidate_cache()


def _escaped(path: str) -> str:
    return path.replace("%", "%25").replace("#", "%23").replace("?", "%3F")
