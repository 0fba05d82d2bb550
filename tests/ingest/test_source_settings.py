"""What `[[sources]]` may say, what is refused, and what never comes out again."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.settings import load_settings
from ingest.errors import ConfigurationError, RequestError
from ingest.sources.from_settings import named, open_source
from ingest.sources.settings import FolderSettings, FsspecSettings

_FOLDER = '[[sources]]\nname = "handbook"\ntype = "folder"\npath = "docs"\n'


def _refusal(text: str) -> ConfigurationError:
    Path("youju.toml").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    return caught.value


def test_sources_come_from_the_file_each_as_its_type(tmp_path: Path) -> None:
    Path("youju.toml").write_text(
        _FOLDER + 'include = ["*.pdf"]\naccess = [{glob = "hr", principals = ["group:hr"]}]\n'
        'schedule = "0 3 * * *"\ntime_zone = "Asia/Shanghai"\n'
        '[[sources]]\nname = "minutes 2"\ntype = "fsspec"\nurl = "s3://bucket/minutes"\n'
    )
    folder, remote = load_settings().sources
    assert isinstance(folder, FolderSettings)
    assert isinstance(remote, FsspecSettings)
    assert (folder.path, folder.include, folder.time_zone) == (tmp_path / "docs", ("*.pdf",), "Asia/Shanghai")
    assert folder.access[0].principals == ("group:hr",)
    assert (remote.name, remote.enabled, remote.schedule) == ("minutes 2", True, None)


def test_a_folder_is_relative_to_the_file_that_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "youju.toml").write_text(_FOLDER)
    monkeypatch.setenv("YOUJU_CONFIG", "etc/youju.toml")
    (source,) = load_settings().sources
    assert isinstance(source, FolderSettings)
    assert source.path == tmp_path / "etc" / "docs"


def test_secrets_come_from_the_environment_and_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_SECRET", "hush-hush")
    Path("youju.toml").write_text(
        '[[sources]]\nname = "store"\ntype = "fsspec"\nurl = "s3://bucket"\n'
        'options = {secret = "${THE_SECRET}", client_kwargs = {endpoint_url = "http://x/${THE_SECRET}"}, anon = false}'
    )
    settings = load_settings()
    (source,) = settings.sources
    assert isinstance(source, FsspecSettings)
    assert source.storage_options() == {
        "secret": "hush-hush",
        "client_kwargs": {"endpoint_url": "http://x/hush-hush"},
        "anon": False,
    }
    for shown in (repr(settings), str(source), settings.model_dump_json()):
        assert "hush" not in shown


def test_a_variable_that_is_not_set_is_named() -> None:
    refusal = _refusal('[[sources]]\nname = "a"\ntype = "fsspec"\nurl = "s3://b"\noptions = {secret = "${NOT_THERE}"}')
    assert refusal.code == "variable_missing"
    assert "NOT_THERE" in refusal.message


@pytest.mark.parametrize(
    ("text", "named_in_message"),
    [
        (_FOLDER + 'pth = "x"\n', "pth"),
        (_FOLDER + _FOLDER, "handbook"),
        (_FOLDER.replace("handbook", "local"), "name"),
        (_FOLDER.replace("handbook", "a/b"), "name"),
        (_FOLDER.replace('"folder"', '"ftp"'), "folder"),
        (_FOLDER.replace('type = "folder"', ""), "type"),
        (_FOLDER + 'schedule = "every day"\n', "schedule"),
        (_FOLDER + 'time_zone = "Mars/Olympus"\n', "time_zone"),
        (_FOLDER + 'access = [{glob = "*", principals = ["hr"]}]\n', "principals"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(text: str, named_in_message: str) -> None:
    refusal = _refusal(text)
    assert refusal.code == "invalid_setting"
    assert named_in_message in refusal.message


def test_a_password_in_a_url_is_refused_and_not_echoed() -> None:
    refusal = _refusal('[[sources]]\nname = "a"\ntype = "fsspec"\nurl = "sftp://me:hush-hush@host/docs"\n')
    assert "password" in refusal.message
    assert "hush" not in str(refusal)


def test_an_unknown_source_names_the_known_ones() -> None:
    Path("youju.toml").write_text(_FOLDER)
    settings = load_settings()
    assert open_source(named(settings, "handbook"), settings).name == "handbook"
    with pytest.raises(RequestError) as caught:
        named(settings, "handbok")
    assert (caught.value.code, "handbook" in caught.value.hint) == ("unknown_source", True)


@pytest.mark.parametrize(
    "proxy",
    [
        "proxy:3128", "nonsense", "", "http://", "http://[", "http://me:hush-hush@", "http://me:hush-hush@host:port",
        "http://me:hush-hush@host:99999", "socks5://me:hush-hush@host:1080", "ftp://host", "http://a host:1",
        "http://host:3128/path",
    ],
)  # fmt: skip
def test_what_is_no_proxy_is_refused_by_source_and_field_and_not_echoed(proxy: str) -> None:
    refusal = _refusal(f'[[sources]]\nname = "wiki"\ntype = "web"\nstart = ["http://e.com"]\nproxy = "{proxy}"\n')
    assert refusal.code == "invalid_setting"
    assert "proxy" in refusal.message
    assert "wiki" in refusal.message
    assert "hush" not in str(refusal)


@pytest.mark.parametrize("proxy", ["http://proxy:3128", "https://me:secret@10.0.0.1:8443/", "http://[::1]:3128"])
def test_a_proxy_is_an_address_with_or_without_a_password(proxy: str) -> None:
    Path("youju.toml").write_text(
        f'[[sources]]\nname = "wiki"\ntype = "web"\nstart = ["http://e.com"]\nproxy = "{proxy}"\n'
    )
    settings = load_settings()
    source = open_source(named(settings, "wiki"), settings)
    assert source.name == "wiki"
