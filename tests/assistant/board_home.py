"""A home whose documents everyone reads, but for those in `board/`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from api.settings import Settings
from ingest.runs.pipeline import Ingestor
from ingest.sources.from_settings import open_source
from ingest.sources.settings import AccessRule, FolderSettings
from ingest.store import Store


@contextmanager
def store_of(documents: Mapping[str, str], folder: Path, home: Path) -> Iterator[Store]:
    """Writes the documents, paths to texts, into the folder, and ingests them."""
    for name, text in documents.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    rules = (
        AccessRule(glob="board/**", principals=("group:board",)),
        AccessRule(glob="**", principals=("everyone",)),
    )
    settings = Settings(home=home)
    source = FolderSettings(name="s", type="folder", path=folder, access=rules)
    with closing(Store.open(settings, command="test")) as opened:
        assert Ingestor(opened, settings).run(open_source(source, settings)).failed == 0
        yield opened
