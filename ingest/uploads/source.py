"""The source for documents that were uploaded over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from ingest.access import OPERATOR
from ingest.catalog.catalog import Catalog
from ingest.document import Reference
from ingest.home.originals import Originals
from ingest.sources import NOTHING_KNOWN
from ingest.uploads.register import PUSH, Upload, Uploads


class PushSource:
    """Every upload that was accepted and not removed. The uri of a document is the path that it was uploaded under."""

    def __init__(self, uploads: Uploads, originals: Originals) -> None:
        self.name = PUSH
        self.listed: tuple[str, ...] = ()
        """The uploads that the last listing saw, by their ids."""
        self._uploads = uploads
        self._originals = originals

    def references(self, known: Mapping[str, str] = NOTHING_KNOWN) -> Iterator[Reference]:
        """Yields every upload, in the order of the paths."""
        uploads = self._uploads.all()
        self.listed = tuple(upload.upload_id for upload in uploads)
        return map(self._reference, uploads)

    def covers(self, uri: str) -> bool:
        """Returns True for every uri. An upload that is not listed has been removed."""
        return True

    def fetch(self, reference: Reference, folder: Path) -> Reference:
        """Returns the reference unchanged, because the bytes are read where they are kept."""
        return reference

    def _reference(self, upload: Upload) -> Reference:
        path = self._originals.path(upload.digest)
        try:
            mtime_ns = path.stat().st_mtime_ns
        except OSError:
            mtime_ns = 0  # opening the file will say what is wrong
        return Reference(
            source=PUSH,
            uri=upload.uri,
            name=PurePosixPath(upload.uri).name,
            size=upload.size,
            mtime_ns=mtime_ns,
            path=path,
            title=upload.title,
            access=upload.access,
            token=upload.digest,
        )


def published_digests(catalog: Catalog) -> set[str]:
    """Returns the digests of the originals from which the published revisions of uploads were made."""
    documents = catalog.documents(OPERATOR, source=PUSH)
    return {digest_of(Path(document.path)) for document in documents if document.path}


def digest_of(original: Path) -> str:
    """Returns the digest of an original. The file has this digest as its name."""
    return original.parent.name + original.name
