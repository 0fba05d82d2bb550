"""The settings in `[[sources]]` of youju.toml. Each type of source has a model, with a name, rules and a schedule."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator, model_validator

from ingest.access import is_principal
from ingest.sources.web.addresses import normal

RESERVED_NAMES = frozenset({"local", "push"})
"""Names of the sources that always exist: `youju ingest PATHS`, and uploads over HTTP."""

_NAME = re.compile(r"[^\W_][\w .-]{0,99}")
_HOST = re.compile(r"[\w.-]+|[\da-fA-F:.]+")
_CRON_FIELDS = 5


class AccessRule(BaseModel):
    """A rule that says who may read the documents whose path in the source matches `glob`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    glob: str = Field(min_length=1, description="Path pattern, as in include.")
    principals: tuple[str, ...] = Field(
        description="`everyone`, `user:<id>`, `group:<id>`; none: the operator of this machine alone."
    )

    @field_validator("principals")
    @classmethod
    def _are_principals(cls, principals: tuple[str, ...]) -> tuple[str, ...]:
        if not all(map(is_principal, principals)):
            raise ValueError("principals are `everyone`, `user:<id>` or `group:<id>`")
        return principals


class ConfiguredSource(BaseModel):
    """The settings that every type of source has.

    Globs are matched with the path inside the source; upper and lower case are the same. `*` and `?` stay within one
    folder, and `**` crosses folders. A pattern without a slash fits at any depth. A pattern that fits a folder fits
    everything below it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(description="Name of the source, for ever: its documents belong to it.")
    include: tuple[str, ...] = Field((), description="Globs of what is read; everything if there is none.")
    exclude: tuple[str, ...] = Field((), description="Globs of what is left out, even where include fits.")
    access: tuple[AccessRule, ...] = Field(
        (),
        description="Who may read what: the first rule whose glob fits counts, and what none fits is for the "
        "operator alone. Without rules, everyone.",
    )
    schedule: str | None = Field(None, description="When it is ingested, as cron says it: five fields.")
    time_zone: str = Field("UTC", description="Time zone of the schedule, e.g. Asia/Shanghai.")
    enabled: bool = Field(True, description="Whether `ingest --all` and the schedule take it.")

    @field_validator("name")
    @classmethod
    def _is_free(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError("a name is 1 to 100 letters, digits, spaces, dots, - and _, the first a letter or a digit")
        if name in RESERVED_NAMES:
            raise ValueError(f"{' and '.join(sorted(RESERVED_NAMES))} are names of sources that are always there")
        return name

    @field_validator("schedule")
    @classmethod
    def _has_five_fields(cls, schedule: str | None) -> str | None:
        if schedule is not None and len(schedule.split()) != _CRON_FIELDS:
            raise ValueError("a schedule has five fields: minute, hour, day of month, month, day of week")
        return schedule

    @field_validator("time_zone")
    @classmethod
    def _exists(cls, time_zone: str) -> str:
        try:
            ZoneInfo(time_zone)
        except (KeyError, OSError, ValueError):
            raise ValueError("no such time zone: write it like Asia/Shanghai") from None
        return time_zone


class FolderSettings(ConfiguredSource):
    """A folder of this machine, or a folder that is mounted on it."""

    type: Literal["folder"]
    path: Path = Field(description="The folder; relative to youju.toml.")
    follow_links: Literal["none", "files", "all"] = Field(
        "files", description="Which links are followed: to files, to folders too (each folder once), or none."
    )
    hidden: bool = Field(False, description="Read files and folders whose name begins with a dot.")
    archives: bool = Field(True, description="Read zip and tar archives as folders.")
    watch: bool = Field(False, description="Ingest soon after something changed, while `youju serve` runs.")
    watch_seconds: float = Field(5.0, gt=0, description="How often to look, with watch.")


class FsspecSettings(ConfiguredSource):
    """An object store or a file server, by a URL that fsspec understands."""

    type: Literal["fsspec"]
    url: str = Field(description="Where it is, e.g. s3://bucket/folder, sftp://user@host/folder; without a password.")
    options: dict[str, Any] = Field(
        default_factory=dict,
        description="What the file system needs beside the URL: `password`, `key`, `secret`, …. "
        "Texts are treated as secrets; `${NAME}` stands for a variable of the environment.",
    )
    hidden: bool = Field(False, description="Read files and folders whose name begins with a dot.")
    archives: bool = Field(True, description="Read zip and tar archives as folders.")
    timeout_seconds: float = Field(60.0, gt=0, description="How long connecting, or one request, may take.")

    @field_validator("url")
    @classmethod
    def _has_a_scheme_and_no_password(cls, url: str) -> str:
        parts = urlsplit(url)
        if not parts.scheme:
            raise ValueError("a URL begins with its scheme, e.g. s3://")
        if parts.password is not None:
            raise ValueError('a password does not belong in the URL: options = {password = "${NAME}"}')
        return url

    @field_validator("options")
    @classmethod
    def _texts_are_secret(cls, options: dict[str, Any]) -> dict[str, Any]:
        return {name: _hidden(value) for name, value in options.items()}

    def storage_options(self) -> dict[str, Any]:
        """Returns the options for the file system, with secrets in the clear. Never print or log them."""
        return {name: _shown(value) for name, value in self.options.items()}


class WebSettings(ConfiguredSource):
    """Pages and files of web sites.

    Globs are matched with path and query. If `same_host` is off, the host comes before them.
    """

    type: Literal["web"]
    start: tuple[str, ...] = Field((), description="Pages that the visit begins with.")
    sitemaps: tuple[str, ...] = Field((), description="Sitemaps, or indexes of them, whose pages are visited first.")
    same_host: bool = Field(True, description="Stay on the hosts of start and sitemaps, with or without www.")
    max_pages: int = Field(5000, ge=1, description="How many addresses one visit may ask for.")
    max_depth: int = Field(20, ge=0, description="How many links away from a start page or a sitemap; 0: these alone.")
    delay_seconds: float = Field(1.0, ge=0, description="Pause between two requests to one host.")
    timeout_seconds: float = Field(30.0, gt=0, description="How long a site may keep silent.")
    user_agent: str = Field(
        "Youju/0.1", pattern=r"[A-Za-z_-]+[ -~]*", description="Who asks; its first word is looked for in robots.txt."
    )
    unlinked: Literal["keep", "remove"] = Field(
        "keep", description="What becomes of a page that nothing links to any more, though it is still there."
    )
    allow_private: bool = Field(False, description="Allow addresses of this machine and of private networks.")
    proxy: SecretStr | None = Field(None, description="URL of an HTTP proxy; the environment's are not used.")

    @property
    def agent(self) -> str:
        """Returns the name that robots.txt and pages use for this robot."""
        return re.split(r"[^A-Za-z_-]", self.user_agent, maxsplit=1)[0]

    @field_validator("start", "sitemaps")
    @classmethod
    def _are_web_addresses(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        found = [normal(url) for url in urls]
        if None in found:
            raise ValueError("write addresses as https://host/path, without user and password")
        return tuple(url for url in found if url is not None)

    @field_validator("proxy")
    @classmethod
    def _is_a_proxy(cls, proxy: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if proxy is not None and not _is_proxy(proxy.get_secret_value()):
            # The address is not repeated: it may hold a password.
            raise ValueError(f"the proxy of source {info.data.get('name')!r} is written as http://host:port")
        return proxy

    @model_validator(mode="after")
    def _begins_somewhere(self) -> Self:
        if not self.start and not self.sitemaps:
            raise ValueError("give start or sitemaps")
        return self


SourceSettings = Annotated[FolderSettings | FsspecSettings | WebSettings, Field(discriminator="type")]
"""The settings of one source. `type` says which model it is."""


def _is_proxy(url: str) -> bool:
    """Returns True if this is the address of an HTTP proxy. A user and a password are allowed in it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    is_bare = parts.path in ("", "/") and not parts.query and not parts.fragment
    return parts.scheme in ("http", "https") and _HOST.fullmatch(host or "") is not None and is_bare


def _hidden(value: Any) -> Any:
    if isinstance(value, str):
        return SecretStr(value)
    if isinstance(value, Mapping):
        return {name: _hidden(item) for name, item in value.items()}
    return [_hidden(item) for item in value] if isinstance(value, Sequence) else value


def _shown(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Mapping):
        return {name: _shown(item) for name, item in value.items()}
    return [_shown(item) for item in value] if isinstance(value, list) else value
