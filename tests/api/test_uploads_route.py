"""Uploading, replacing and deleting documents over HTTP: the real chain behind a real server."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from pydantic import SecretStr

from api.app import create_app
from api.security.guard import current_reader
from api.settings import Settings
from api.workspace import Workspace
from ingest.access import Reader
from ingest.document import document_id
from ingest.engines.from_settings import open_engine
from ingest.errors import OwnedError
from ingest.home.lock import Ownership
from ingest.sources.folder import FolderSource
from tests.api.served import served
from tests.ingest.tiny_pdf import Words, pdf

T = TypeVar("T")

LEAVE = "员工每年享有十五天年假，未休的年假在次年三月底作废。".encode()
FILE_PART = b'Content-Disposition: form-data; name="file"; filename="odd.txt"\r\n\r\n'
TRAVEL = "差旅费用应当在返回后十个工作日之内报销。".encode()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def workspace(home: Path, inline_module: None) -> Iterator[Workspace]:
    with closing(Workspace.open(Settings(home=home, max_file_mb=2, keep_deleted_days=0), command="test")) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(workspace: Workspace) -> Iterator[httpx.Client]:
    with served(create_app(workspace)) as url, httpx.Client(base_url=url, timeout=60, trust_env=False) as opened:
        yield opened


def send(client: httpx.Client, path: str, data: bytes, key: str | None = None, **asked: Any) -> httpx.Response:
    """Upload bytes as they are."""
    headers = {"content-type": "application/octet-stream"} | ({"idempotency-key": key} if key else {})
    return client.post("/v1/documents", params={"path": path, **asked}, content=data, headers=headers)


def found(client: httpx.Client, query: str) -> list[str]:
    """The addresses of the documents that a search finds."""
    hits = client.post("/v1/search", json={"query": query, "limit": 50}).json()["hits"]
    return list(dict.fromkeys(hit["uri"] for hit in hits))


def kept(home: Path) -> set[str]:
    """The digests of the bytes that are kept."""
    return {path.parent.name + path.name for path in (home / "originals").glob("*/*")}


def a_page(text: str) -> bytes:
    """A PDF file with one line."""
    return pdf([Words(72, 72, text)])


def error_of(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def test_an_uploaded_form_is_ingested_and_can_be_searched_read_and_downloaded(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.runs.pipeline.open_engine", open_engine)  # by worker processes; the others do without
    response = client.post(
        "/v1/documents",
        params={"wait": True},
        files={"file": ("年假.txt", LEAVE, "text/plain")},
        data={"path": "hr/年假.txt", "title": "年假制度"},
    )
    body = response.json()
    assert response.status_code == 200
    assert (body["state"], body["uri"], body["replaced"]) == ("ready", "hr/年假.txt", False)
    assert body["document_id"] == document_id("push", "hr/年假.txt")
    assert body["digest"] == hashlib.sha256(LEAVE).hexdigest()
    assert client.get(f"/v1/documents/{body['document_id']}").json()["title"] == "年假制度"
    assert "hr/年假.txt" in found(client, "年假多少天")
    original = client.get(f"/v1/documents/{body['document_id']}/original")
    assert original.content == LEAVE
    assert "%E5%B9%B4%E5%81%87.txt" in original.headers["content-disposition"]
    status = client.get(f"/v1/documents/{body['document_id']}/upload").json()
    assert (status["state"], status["run_id"]) == ("ready", body["run_id"])


@pytest.mark.slow
def test_a_new_title_counts_though_the_content_is_the_same(client: httpx.Client) -> None:
    send(client, "titled.txt", TRAVEL, title="差旅", wait=True)
    body = send(client, "titled.txt", TRAVEL, title="出差报销", wait=True).json()
    assert client.get(f"/v1/documents/{body['document_id']}").json()["title"] == "出差报销"
    send(client, "titled.txt", LEAVE, wait=True)
    assert client.get(f"/v1/documents/{body['document_id']}").json()["title"] == "出差报销"


def test_without_waiting_the_answer_comes_at_once_and_the_document_later(client: httpx.Client) -> None:
    response = send(client, "later.txt", TRAVEL)
    body = response.json()
    assert (response.status_code, body["state"], body["run_id"]) == (202, "queued", None)
    again = send(client, "later.txt", TRAVEL, wait=True).json()
    assert (again["state"], again["replaced"]) == ("ready", True)
    assert "later.txt" in found(client, "差旅报销")


def test_a_replaced_document_is_found_in_its_new_form_only_and_its_old_bytes_go(
    client: httpx.Client, home: Path
) -> None:
    old, new = "访客需要登记身份证。".encode(), "访客需要刷脸进入大厅。".encode()
    first = send(client, "visitors.txt", old, wait=True).json()
    headers = {"content-type": "application/octet-stream"}
    url = f"/v1/documents/{first['document_id']}"
    second = client.put(url, params={"wait": True}, content=new, headers=headers).json()
    assert (second["state"], second["replaced"], second["uri"]) == ("ready", True, "visitors.txt")
    passages = client.get(f"/v1/documents/{first['document_id']}").json()["passages"]
    assert [passage["text"] for passage in passages] == [new.decode()]
    assert client.get(f"/v1/documents/{first['document_id']}/original").content == new
    eventually(lambda: first["digest"] not in kept(home))
    assert second["digest"] in kept(home)


def test_the_same_bytes_under_two_paths_are_kept_once_and_until_both_are_gone(client: httpx.Client, home: Path) -> None:
    data = "消防演习每季度一次。".encode()
    one = send(client, "a/drill.txt", data).json()
    two = send(client, "b/drill.txt", data, wait=True).json()
    assert one["document_id"] != two["document_id"]
    client.delete(f"/v1/documents/{one['document_id']}")
    assert client.get(f"/v1/documents/{two['document_id']}/original").content == data
    client.delete(f"/v1/documents/{two['document_id']}")
    eventually(lambda: one["digest"] not in kept(home))


def test_a_deleted_document_is_found_by_no_search_once_that_was_answered(client: httpx.Client) -> None:
    body = send(client, "secret-offer.txt", "给乙方的报价是八折。".encode(), wait=True).json()
    assert "secret-offer.txt" in found(client, "报价八折")
    response = client.delete(f"/v1/documents/{body['document_id']}")
    assert (response.status_code, response.json()) == (
        200,
        {"document_id": body["document_id"], "uri": "secret-offer.txt", "deleted": True},
    )
    assert "secret-offer.txt" not in found(client, "报价八折")
    for path in ("", "/original", "/upload"):
        assert error_of(client.get(f"/v1/documents/{body['document_id']}{path}")) == (404, "unknown_document")
    assert error_of(client.delete(f"/v1/documents/{body['document_id']}")) == (404, "unknown_document")


def test_a_request_that_is_sent_again_with_its_key_changes_nothing(client: httpx.Client) -> None:
    first = send(client, "key.txt", LEAVE, key="k-1")
    again = send(client, "key.txt", LEAVE, key="k-1")
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    form = client.post(
        "/v1/documents", files={"file": ("key.txt", LEAVE)}, headers={"idempotency-key": "k-1"}
    )  # another form of the same request
    assert form.json() == first.json()
    assert error_of(send(client, "key.txt", TRAVEL, key="k-1")) == (409, "idempotency_key_reused")
    assert error_of(send(client, "other.txt", LEAVE, key="k-1")) == (409, "idempotency_key_reused")
    identity = first.json()["document_id"]
    removed = client.delete(f"/v1/documents/{identity}", headers={"idempotency-key": "k-2"})
    assert removed.status_code == 200
    send(client, "key.txt", TRAVEL)
    repeated = client.delete(f"/v1/documents/{identity}", headers={"idempotency-key": "k-2"})
    assert repeated.json() == removed.json()
    assert (
        client.get(f"/v1/documents/{identity}/upload").status_code == 200
    )  # what came after it is not removed with it
    assert error_of(client.delete(f"/v1/documents/{identity}", headers={"idempotency-key": "k-1"}))[0] == 409


@pytest.mark.slow
def test_many_uploads_at_once_all_arrive(client: httpx.Client) -> None:
    def upload(number: int) -> dict[str, Any]:
        body: dict[str, Any] = send(
            client, f"many/{number}.txt", f"第{number}号设备每年检修。".encode(), wait=True
        ).json()
        return body

    with ThreadPoolExecutor(24) as pool:
        bodies = list(pool.map(upload, range(24)))
    assert {body["state"] for body in bodies} == {"ready"}
    assert len({body["run_id"] for body in bodies}) < 4


def test_uploads_wait_while_another_run_is_under_way(client: httpx.Client, home: Path) -> None:
    with patiently(lambda: Ownership.take(home, "ingest", "run.lock")):
        body = send(client, "patient.txt", TRAVEL).json()
        status = client.get(f"/v1/documents/{body['document_id']}/upload").json()
        assert status["state"] == "queued"
    assert send(client, "patient.txt", TRAVEL, wait=True).json()["state"] == "ready"


@pytest.mark.slow
def test_a_document_that_cannot_be_read_says_why_and_keeps_its_old_form(client: httpx.Client) -> None:
    good = send(client, "report.pdf", a_page("The annual report"), wait=True).json()
    assert good["state"] == "ready"
    broken = send(client, "report.pdf", b"%PDF-1.7 cut off", wait=True).json()
    assert (broken["state"], broken["error"]["code"]) == ("failed", "corrupt")
    assert "report.pdf" in found(client, "annual report")
    assert client.get(f"/v1/documents/{good['document_id']}/original").content == a_page("The annual report")


@pytest.mark.slow
def test_a_page_of_an_uploaded_pdf_is_shown(client: httpx.Client) -> None:
    body = send(client, "page.pdf", a_page("Shown as a picture"), wait=True).json()
    picture = client.get(f"/v1/documents/{body['document_id']}/pages/1.png")
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")


def test_access_rules_come_with_the_upload_and_stay_where_none_come(client: httpx.Client, workspace: Workspace) -> None:
    body = send(client, "board.txt", LEAVE, access=["group:board", "user:ceo"]).json()
    send(client, "board.txt", TRAVEL)
    upload = workspace.intake.uploads.get(body["document_id"])
    assert upload is not None
    assert upload.access == ("group:board", "user:ceo")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"path": "../etc/passwd"}, "invalid_path"),
        ({"path": "a//b.txt"}, "invalid_path"),
        ({"path": "a\x00b.txt"}, "invalid_request"),
        ({"path": "x" * 1001}, "invalid_path"),
        ({}, "invalid_path"),
        ({"path": "a.txt", "access": "nobody"}, "invalid_access"),
        ({"path": "a.txt", "access": ""}, "invalid_access"),
        ({"path": "a.txt", "title": "x" * 501}, "invalid_request"),
    ],
)
def test_an_upload_that_is_not_well_formed_is_refused(client: httpx.Client, asked: dict[str, str], code: str) -> None:
    headers = {"content-type": "application/octet-stream"}
    response = client.post("/v1/documents", params=asked, content=LEAVE, headers=headers)
    assert error_of(response) == (400, code)


def test_an_access_rule_in_the_address_is_not_hidden_by_the_one_of_the_form(client: httpx.Client) -> None:
    form: dict[str, Any] = {"data": {"access": "everyone"}, "files": {"file": ("hidden.txt", LEAVE)}}
    assert error_of(client.post("/v1/documents?access=nobody", **form)) == (400, "invalid_access")
    address = f"/v1/documents/{document_id('push', 'hidden.txt')}"
    assert client.get(f"{address}/upload").status_code == 404


@pytest.mark.parametrize(
    ("content_type", "data"),
    [
        ("multipart/form-data", b""),
        ("multipart/form-data; boundary=x", b"no form"),
        ("multipart/form-data; boundary=x", b"--x\r\n" + FILE_PART + b"cut off"),
        ("multipart/form-data; boundary=x", (b"--x\r\n" + FILE_PART + b"a\r\n") * 2 + b"--x--\r\n"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n'),
    ],
)
def test_a_form_that_is_none_is_refused_and_leaves_nothing(
    client: httpx.Client, home: Path, content_type: str, data: bytes
) -> None:
    response = client.post("/v1/documents", content=data, headers={"content-type": content_type})
    assert error_of(response) == (400, "invalid_form")
    assert list((home / "originals" / "incoming").iterdir()) == []


def test_a_form_that_comes_byte_by_byte_is_read_whole(client: httpx.Client) -> None:
    data = b"line\r\n--x\r\n-- not the end \r\n" * 50
    head = (
        b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="odd.txt"\r\nContent-Type: text/plain\r\n\r\n'
    )
    body = head + data + b"\r\n--xyz--\r\n"
    pieces = (body[start : start + 7] for start in range(0, len(body), 7))
    response = client.post(
        "/v1/documents", content=pieces, headers={"content-type": "multipart/form-data; boundary=xyz"}
    )
    assert response.json()["digest"] == hashlib.sha256(data).hexdigest()


def test_a_file_over_the_limit_is_refused_before_it_is_kept(client: httpx.Client, home: Path) -> None:
    before = kept(home)

    def endless() -> Iterator[bytes]:
        for _ in range(64):
            yield b"x" * 65536

    headers = {"content-type": "application/octet-stream"}
    assert error_of(client.post("/v1/documents?path=big.txt", content=b"x" * (4 << 20), headers=headers)) == (
        413, "body_too_large",
    )  # fmt: skip
    grown = client.post("/v1/documents?path=big.txt", content=endless(), headers=headers)
    assert error_of(grown) == (413, "body_too_large")
    assert "YOUJU_MAX_FILE_MB" in grown.json()["error"]["hint"]
    over = client.post("/v1/documents?path=big.txt", content=b"x" * ((2 << 20) + 1), headers=headers)
    assert error_of(over) == (413, "file_too_large")
    assert kept(home) - {path for path in kept(home) if path.startswith("incoming")} <= before


def test_a_client_that_goes_away_leaves_nothing(client: httpx.Client, home: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x" * 65536
        raise ConnectionError

    with pytest.raises(ConnectionError):
        send(client, "gone.txt", broken())  # type: ignore[arg-type]
    eventually(lambda: not list((home / "originals" / "incoming").iterdir()))
    assert client.get(f"/v1/documents/{document_id('push', 'gone.txt')}/upload").status_code == 404


def test_documents_of_other_sources_are_not_replaced_or_deleted_here(
    client: httpx.Client, workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "local.txt").write_text("本地文件。")
    workspace.store.catalog.take_revision(next(FolderSource([tmp_path / "local.txt"]).references()), "digest")
    identity = document_id("local", str(tmp_path / "local.txt"))
    assert error_of(client.delete(f"/v1/documents/{identity}")) == (409, "not_uploaded")
    assert error_of(client.put(f"/v1/documents/{identity}", content=b"x")) == (409, "not_uploaded")
    assert error_of(client.put("/v1/documents/nothing", content=b"x")) == (404, "unknown_document")


def test_only_the_operator_may_write(workspace: Workspace) -> None:
    app = create_app(workspace)
    app.dependency_overrides[current_reader] = lambda: Reader(frozenset({"everyone"}))
    with served(app) as url, httpx.Client(base_url=url, trust_env=False) as reader:
        assert error_of(send(reader, "a.txt", LEAVE)) == (403, "operators_only")
        assert error_of(reader.delete("/v1/documents/x")) == (403, "operators_only")
    keyed = Workspace(
        workspace.settings.model_copy(update={"api_key": SecretStr("k-77")}),
        workspace.store, workspace.ingestor, workspace.assistant, workspace.pages, workspace.intake,
        workspace.conversations,
    )  # fmt: skip
    with served(create_app(keyed)) as url, httpx.Client(base_url=url, trust_env=False) as stranger:
        assert error_of(send(stranger, "a.txt", LEAVE)) == (401, "unauthorized")


@pytest.mark.slow
def test_originals_are_found_after_the_home_was_moved(tmp_path: Path) -> None:
    data = "搬家之前的文件。".encode()
    with serving(tmp_path / "old") as client:
        identity = send(client, "moved.txt", data, wait=True).json()["document_id"]
    shutil.move(tmp_path / "old", tmp_path / "new")
    with serving(tmp_path / "new") as client:
        assert client.get(f"/v1/documents/{identity}/original").content == data


@contextmanager
def serving(home: Path) -> Iterator[httpx.Client]:
    """A client of a server on this home."""
    with ExitStack() as opened:
        workspace = opened.enter_context(closing(Workspace.open(Settings(home=home), command="test")))
        url = opened.enter_context(served(create_app(workspace)))
        yield opened.enter_context(httpx.Client(base_url=url, timeout=60, trust_env=False))


def patiently(act: Callable[[], T]) -> T:
    """What `act` gives once no run is under way."""
    for _ in range(300):
        with suppress(OwnedError):
            return act()
        time.sleep(0.1)
    return act()


def eventually(holds: Any) -> None:
    """Wait for what happens soon after an answer."""
    for _ in range(300):
        if holds():
            return
        time.sleep(0.1)
    assert holds()
