"""`youju home`, and what `youju doctor` says of the originals."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

from api.settings import Settings
from ingest.home.lock import Ownership
from ingest.home.originals import Originals
from ingest.store import Store
from ingest.uploads.register import Uploads, Wanted
from tests.api.command_line import json_here, run_here


def upload(home: Path) -> Path:
    """A home with one upload; where its bytes are."""
    with closing(Store.open(Settings(home=home), command="test")) as store:
        originals = Originals(home)
        with originals.receive() as incoming:
            incoming.write(b"text")
            incoming.finish()
            receipt = Uploads(store.database, originals).accept(incoming, Wanted("a.txt"))
    return originals.path(receipt.digest or "")


def finding(home: Path, name: str, **settings: str) -> dict[str, Any]:
    done = run_here(home, "doctor", "--json", **settings)
    (found,) = (each for each in json.loads(done.stdout)["findings"] if each["name"] == name)
    return dict(found)


def test_what_is_kept_apart_is_joined_when_told_and_nothing_is_deleted(tmp_path: Path) -> None:
    home, database = tmp_path / "home", f"sqlite:///{tmp_path / 'new.db'}"
    kept = upload(home)
    refused = run_here(home, "documents", database_url=database)
    assert refused.returncode == 2
    assert "[other_catalog]" in refused.stderr
    assert "`youju home adopt`" in refused.stderr
    assert finding(home, "index", database_url=database)["state"] == "bad"
    joined = json_here(home, "home", "adopt", database_url=database)
    assert joined["originals"] == {"kept": 0, "unwanted": 0, "unknown": 1, "missing": 0}
    assert joined["before"]["catalog_id"] != joined["catalog_id"]
    assert run_here(home, "documents", database_url=database).returncode == 0
    assert kept.exists()
    originals = finding(home, "originals", database_url=database)
    assert originals["state"] == "note"
    assert "1 more are unknown" in originals["detail"]
    back = run_here(home, "home", "adopt")
    assert back.returncode == 0
    assert "which is refused from now on" in back.stdout
    assert finding(home, "originals")["state"] == "ok"


def test_an_upload_without_its_file_is_found_by_the_doctor(tmp_path: Path) -> None:
    upload(tmp_path / "home").unlink()
    missing = finding(tmp_path / "home", "originals")
    assert missing["state"] == "bad"
    assert "1 uploads are missing" in missing["detail"]


def test_a_home_in_use_is_not_joined(tmp_path: Path) -> None:
    with Ownership.take(tmp_path, "serve"):
        refused = run_here(tmp_path, "home", "adopt")
    assert refused.returncode == 2
    assert "[home_in_use]" in refused.stderr
    assert not (tmp_path / "home.json").exists()
