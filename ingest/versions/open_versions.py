"""The open versions of the index: the one that answers questions, and sometimes another one that is being built.

Each version is opened with the settings that it was made with, even if today's settings differ. So it is searched with
its own embedder, and runs bring it up to date in the way it was made.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace

import sqlalchemy as sa

from ingest.access import OPERATOR
from ingest.catalog.catalog import Catalog
from ingest.embedding import DenseEmbedder, Embedder
from ingest.embedding.dense import NoDenseEmbedder
from ingest.embedding.from_settings import open_embedder
from ingest.embedding.sparse import Bm25Embedder
from ingest.errors import ConfigurationError, OwnedError, YoujuError
from ingest.home.lock import not_at_rest
from ingest.index import Index, index_missing
from ingest.index.from_settings import index_exists, index_name, open_index, remove_index
from ingest.settings import IngestSettings
from ingest.shaping import EMBEDDING_SETTINGS
from ingest.versions.fingerprint import fingerprint, restored, shaping, with_minilm
from ingest.versions.register import Holding, Plan, Version, Versions

_LOOK_SECONDS = 1.0
"""At most this long after another process has switched, this process follows."""
_IDLE_SECONDS = 60.0
"""How long a version that is not current stays open after it was last used."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenVersion:
    """An open version of the index. `problem` says why its own embedder is not available. Then nothing may be written
    to it. If its model is not available, it is searched by words only.
    """

    id: int
    fingerprint: str
    settings: IngestSettings
    catalog: Catalog
    index: Index
    embedder: Embedder
    problem: YoujuError | None = None


@dataclass(frozen=True, slots=True)
class Building:
    """How far the index is that the settings ask for.

    `version` is None until a run begins it. `current` is the id of the version that answers questions, and `documents`
    are searchable there. `lacking` of these would be missing or older with the new version. `failed` counts documents
    that could not be brought into it.
    """

    version: int | None
    current: int
    documents: int
    lacking: int
    failed: int


class OpenVersions:
    """The open versions of a home. Safe to call from several threads: a lock guards the table of open versions."""

    def __init__(self, database: sa.Engine, settings: IngestSettings, *, sole: bool, rebuild: bool = False) -> None:
        """With `sole`, no other process can switch. With `rebuild`, a current index that is gone is created again and
        is empty, although the catalog has documents in it. Raises ConfigurationError if the settings name no usable
        embedder.
        """
        self.versions = Versions(database)
        self._database = database
        self._settings = settings
        self._sole = sole
        self._rebuild = rebuild
        self.files = threading.RLock()
        """Held by whoever removes files of the home or adds an index, and by `still`. It is taken before any other."""
        self._lock = threading.RLock()
        self._open: dict[int, OpenVersion] = {}
        self._embedders: dict[object, Embedder] = {}
        self._uses: Counter[int] = Counter()
        self._used: dict[int, float] = {}
        self._current = self._adopted(self.versions.current())
        self._looked = time.monotonic()

    def current(self) -> OpenVersion:
        """Returns the version that answers questions."""
        with self._lock:
            now = time.monotonic()
            if now - self._looked > _LOOK_SECONDS:
                self._looked = now
                if not self._sole:
                    self._current = self.versions.current()
                self._close_idle(now)
            return self._opened(self._current)

    def check_index(self) -> None:
        """Raise ConfigurationError `index_missing` if the index that answers questions is empty and the catalog says
        that it is not. Also raises what the index raises if it cannot be reached. The time that it takes does not
        depend on the size of the index.
        """
        with self.using() as version:
            # It does not count the chunks. For 100,000 chunks that takes 10 to 60 ms, and the embedded engine stops all
            # other threads meanwhile.
            is_empty = next(version.index.inventory(), None) is None
            if is_empty and self.versions.is_filled(version.id):
                raise index_missing("with all that it held")

    def lacking_passages(self) -> int:
        """Returns how many passages of the catalog are missing in the index that answers questions.

        Some are missing if a complete new ingestion was interrupted. Only the two totals are compared, so passages that
        a run is writing now may hide as many missing ones.
        """
        with self.using() as version:
            counted = self.versions.holdings().get(version.id, Holding()).chunks
            return max(0, counted - version.index.count())

    @contextmanager
    def using(self, version: OpenVersion | None = None) -> Iterator[OpenVersion]:
        """Keep a version open inside the context, even if other versions become current. Without `version`, keep the
        current one open.
        """
        with self._lock:
            # Both steps are under one lock, so that no other thread closes the version before its use is counted.
            used = version or self.current()
            self._uses[used.id] += 1
        try:
            yield used
        finally:
            with self._lock:
                self._uses[used.id] -= 1
                self._used[used.id] = time.monotonic()

    @contextmanager
    def still(self, timeout_seconds: float) -> Iterator[None]:
        """Keep every index flushed, and its files as they are inside the context. Searches go on. Whoever writes to an
        index, switches, drops one, or holds `files`, waits.

        Enter and leave it in one thread. Raises UnavailableError `home_busy` if one of them goes on for longer.
        """
        deadline = time.monotonic() + timeout_seconds
        if not self.files.acquire(timeout=timeout_seconds):
            raise not_at_rest("files are being removed or copied", timeout_seconds)
        with ExitStack() as held:
            held.callback(self.files.release)
            with self._lock:
                kept = [held.enter_context(self.using(version)) for version in self._open.values()]
            for version in kept:
                held.enter_context(version.index.still(max(0.0, deadline - time.monotonic())))
            yield

    # These methods are for runs.

    @contextmanager
    def for_run(self, settings: IngestSettings) -> Iterator[tuple[OpenVersion, OpenVersion | None]]:
        """Gives the versions that a run with these settings works on, and keeps both open inside the context.

        The first is the current one, with the settings that it was made with. The second is the version to build beside
        it, or None if there is none: see `target`.
        """
        target = self.target(settings)
        with self.using() as used:
            current = self.with_settings(used, settings)
            if target is None or target.id == current.id:
                yield current, None
            else:
                with self.using(target):
                    yield current, target

    def target(self, settings: IngestSettings) -> OpenVersion | None:
        """Returns the version to build, which these settings ask for and which is not the current one.

        Returns None if it is the current one, or if somebody has since chosen the current one by hand. If the current
        version is empty, the new one replaces it at once, and None is returned.
        """
        current = self.versions.current()
        embedder = self._embedder(settings)
        if fingerprint(settings, embedder.name) in (current.fingerprint, current.pinned):
            return None
        version = self.versions.build(self._plan(settings, embedder))
        if version.state == "current":  # another process has switched just now
            return None
        is_empty = self.versions.fingerprint(current.id) is None
        if is_empty and self.versions.complete(version.id, instead_of=current.id):
            self._follow()
            with suppress(YoujuError):  # it stays in the list, and the operator can drop it
                self.drop(current.id, busy=False)
            return None
        with self.files, self._lock:
            return self._opened(version, settings)

    def complete(self, version: OpenVersion, *, instead_of: int) -> bool:
        """Switch to a version that has been built, if nothing would be lost. Returns True if it has switched.

        Before it switches, the version answers one question, so that the first user does not wait for its embedder.
        Raises what this question raises.
        """
        # This check is only quick. `Versions.complete` checks again in the transaction that switches.
        if self.versions.lacking(version.id):
            return False
        version.index.search(version.embedder.embed_query("ready? 好了", "mixed"), reader=OPERATOR, limit=1)
        switched = self.versions.complete(version.id, instead_of=instead_of)
        self._follow()
        if switched:
            logger.info("Index %s answers questions from now on; index %s is kept", version.id, instead_of)
        return switched

    def building(self, settings: IngestSettings) -> Building | None:
        """Returns how far the index is that these settings ask for. Returns None if it is the current one, or is not
        wanted.
        """
        current = self.versions.current()
        wanted = fingerprint(settings, self._embedder(settings).name)
        holdings = self.versions.holdings()
        held = holdings.get(current.id)
        if wanted in (current.fingerprint, current.pinned) or held is None or not held.documents:
            return None
        found = [each for each in self.versions.all() if each.fingerprint == wanted and each.state != "dropping"]
        if not found:
            return Building(None, current.id, held.documents, held.documents, 0)
        version = found[-1].id
        failed = holdings[version].failed if version in holdings else 0
        return Building(version, current.id, held.documents, self.versions.lacking(version), failed)

    def with_settings(self, version: OpenVersion, settings: IngestSettings) -> OpenVersion:
        """Returns the version with these settings, except that it keeps those settings that it was made with."""
        if fingerprint(settings, self._embedder(settings).name) != version.fingerprint:
            settings = restored(settings, shaping(version.settings))
        return replace(version, settings=settings)

    # These methods are for the operator.

    def switch(self, version_id: int) -> Version:
        """Let this version answer questions. Later runs keep it up to date until the settings change.

        Raises RequestError `unknown_index`, and what opening it raises. After an error nothing has changed.
        """
        with self.files, self._lock:
            opened = self._opened(self.versions.get(version_id))
        if opened.problem is not None:
            raise opened.problem
        opened.index.count()
        wanted = fingerprint(self._settings, self._embedder(self._settings).name)
        version = self.versions.switch(version_id, wanted=wanted)
        self._follow()
        return version

    def drop(self, version_id: int, *, busy: bool) -> None:
        """Remove a version with everything in it. If a crash interrupts this, calling it again finishes the work.

        `busy` is True if a run is under way. Raises RequestError `unknown_index` or `index_in_use`, and OwnedError if a
        run builds or uses the version.
        """
        with self.files:
            with self._lock:
                version = self.versions.get(version_id)
                if (busy and version.state == "building") or self._uses[version_id] > 0:
                    raise OwnedError(
                        "run_under_way",
                        f"Index {version_id} is in use by a run.",
                        "Wait for it, or cancel it: `youju runs`, `youju runs cancel ID`.",
                    )
                # The state `dropping` is recorded first. So no process can switch to the version while it is removed,
                # and a removal that a crash interrupts can be finished later.
                self.versions.begin_drop(version_id)
                if version_id in self._open:
                    self._open.pop(version_id).index.close()
            if version.folder:
                remove_index(self._settings, name=version.folder)
            self.versions.end_drop(version_id)

    def close(self) -> None:
        """Close every index, even if closing one of them fails."""
        with self._lock, ExitStack() as closing:
            for version in self._open.values():
                closing.callback(version.index.close)
            self._open.clear()

    def _follow(self) -> None:
        with self._lock:
            self._current = self.versions.current()

    def _opened(self, version: Version, settings: IngestSettings | None = None) -> OpenVersion:
        found = self._open.get(version.id)
        if found is None or (settings is not None and found.settings != settings):
            index = found.index if found is not None else None
            found = self._open[version.id] = self._open_version(version, settings or self._settings, index)
        self._used[version.id] = time.monotonic()
        return found

    def _open_version(self, version: Version, settings: IngestSettings, index: Index | None) -> OpenVersion:
        problem: YoujuError | None = None
        if version.fingerprint != fingerprint(settings, self._embedder(settings).name):
            settings = restored(settings, version.settings, version.embedder)
        try:
            embedder = self._embedder(settings)
            if not version.embedder.startswith(f"{embedder.dense.name}+"):
                raise _embedder_gone(version)
        except YoujuError as error:
            absent = NoDenseEmbedder(error, name=version.embedder, dimension=version.dimension)
            problem, embedder = error, Embedder(absent, Bm25Embedder())
            logger.warning("Index %s is searched by words alone: %s", version.id, error)
        else:
            if embedder.name != version.embedder:
                problem, embedder = _terms_outdated(version), _with_terms_of(version, embedder.dense)
        if index is None:
            rebuild = self._rebuild and version.state == "current"
            may_create = rebuild or not self.versions.is_filled(version.id)
            index = open_index(settings, dimension=version.dimension, name=version.folder, may_create=may_create)
        catalog = Catalog(self._database, version.id)
        return OpenVersion(version.id, version.fingerprint, settings, catalog, index, embedder, problem)

    def _close_idle(self, now: float) -> None:
        for version_id in [*self._open]:
            idle = now - self._used.get(version_id, 0.0) > _IDLE_SECONDS
            if idle and version_id != self._current.id and not self._uses[version_id]:
                self._open.pop(version_id).index.close()

    def _embedder(self, settings: IngestSettings) -> Embedder:
        """Returns the embedder of these settings. Settings that name the same embedder share one object."""
        key = (*(getattr(settings, name) for name in EMBEDDING_SETTINGS), settings.embedding_api_key)
        if key not in self._embedders:
            self._embedders[key] = open_embedder(settings)
        return self._embedders[key]

    def _plan(self, settings: IngestSettings, embedder: Embedder, made_by: str | None = None) -> Plan:
        return Plan(
            fingerprint=made_by or fingerprint(settings, embedder.name),
            embedder=embedder.name,
            dimension=embedder.dense.dimension,
            settings=shaping(settings),
            folder=index_name(embedder.name),
        )

    def _adopted(self, version: Version) -> Version:
        """Returns the version. If an earlier release made it, this first records how it was made.

        That release named the index after its embedder, and recorded with each document the pipeline that made it. If
        neither fits the settings, the settings have changed since then.
        """
        if version.folder:
            return version
        made_by = self.versions.fingerprint(version.id)
        plausible = [(self._settings, self._embedder(self._settings))]
        with suppress(ConfigurationError):  # its package may be missing, and then no index of it can be searched
            plausible.append((before := with_minilm(self._settings), self._embedder(before)))
        fitting = [
            *((each, embedder) for each, embedder in plausible if fingerprint(each, embedder.name) == made_by),
            *((each, embedder) for each, embedder in plausible if index_exists(each, index_name(embedder.name))),
            *plausible,
        ]
        return self.versions.adopt(version.id, self._plan(*fitting[0], made_by))


def _with_terms_of(version: Version, dense: DenseEmbedder) -> Embedder:
    """Returns an embedder that searches an index with the terms of an earlier release. Today's terms include them. It
    has the name of that index, so that its vectors are not taken for today's.
    """
    return Embedder(dense, Bm25Embedder(version.embedder.removeprefix(f"{dense.name}+")))


def _embedder_gone(version: Version) -> ConfigurationError:
    return ConfigurationError(
        "embedder_gone",
        f"The embedding model that index {version.id} was made with, {version.embedder}, is not there any more.",
        "Put it back where it was, or let `youju ingest` build an index with the model of the settings.",
    )


def _terms_outdated(version: Version) -> ConfigurationError:
    return ConfigurationError(
        "index_outdated",
        f"An earlier release made index {version.id}, {version.embedder}. It can be searched, and takes nothing new.",
        "Run `youju ingest`: it builds a new index beside it.",
    )
