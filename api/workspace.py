"""The two chains over one open home. Every face works with it."""

from __future__ import annotations

from dataclasses import dataclass

from api.settings import Settings, synonyms_file
from assistant.answer import Assistant
from assistant.checking.meaning import Meaning
from assistant.gate.fitted import FittedGate
from assistant.gate.weights import OwnWeights
from assistant.history.register import Register
from assistant.models import ChatModel
from assistant.models.from_settings import open_model
from assistant.quoting.reading import PassageReading, open_reading
from assistant.retrieve import CurrentRetriever
from assistant.rewording.retriever import RewordingRetriever
from assistant.rewording.synonyms import NO_WORDS, Synonyms, everyday_words
from ingest.access import Reader
from ingest.catalog.holdings import Holdings, holdings
from ingest.catalog.listing import Place
from ingest.catalog.records import Document
from ingest.page_images import PageRenderer
from ingest.runs.pipeline import Ingestor
from ingest.store import Store
from ingest.uploads.intake import Intake

_TITLES = 40
"""So many titles are taken from the catalog. Some may be the same, or unfit to be shown."""


@dataclass(frozen=True, slots=True)
class ReadableHoldings:
    """An `assistant.introduction.HasHoldings`: what a reader may search in the index that answers questions."""

    opened: Store

    def of(self, reader: Reader) -> Holdings:
        """Returns the sources, the number of documents and the newest titles. It is one SQL query."""
        store = self.opened.current()
        return holdings(store.database, store.catalog.version, reader, titles=_TITLES)


@dataclass(frozen=True, slots=True)
class Workspace:
    """An open home, with the ingestor and the assistant that work on it."""

    settings: Settings
    opened: Store
    ingestor: Ingestor
    assistant: Assistant
    pages: PageRenderer
    intake: Intake
    conversations: Register

    @classmethod
    def open(cls, settings: Settings, *, command: str, rebuild: bool = False) -> Workspace:
        """Open the home of these settings for `youju <command>`. For `rebuild`, see `Store.open`.

        Raises the errors of `Store.open` and of the model.
        """
        store = Store.open(settings, command=command, rebuild=rebuild)
        try:
            reading = open_reading()
            model = open_model(settings, hub=settings.hub, reading=reading)
            synonyms = Synonyms(synonyms_file(settings))
            everyday = everyday_words() if settings.everyday_words else NO_WORDS
            retriever = RewordingRetriever(CurrentRetriever(store.open_versions), synonyms, everyday=everyday)
            gate = open_gate(settings, model, reading)
            meaning = Meaning(lambda: store.current().embedder.dense)
            assistant = Assistant(retriever, gate, model, settings, ReadableHoldings(store), meaning, gate.good)
            ingestor = Ingestor(store, settings)
            intake = Intake(store, ingestor, settings)
            pages, conversations = PageRenderer(passwords=settings.passwords), Register(store.database, settings)
            return cls(settings, store, ingestor, assistant, pages, intake, conversations)
        except BaseException:
            store.close()
            raise

    @property
    def store(self) -> Store:
        """Returns the home with the version of the index that answers questions now."""
        return self.opened.current()

    def documents(
        self,
        reader: Reader,
        *,
        source: str | None = None,
        kind: str | None = None,
        failed: bool = False,
        given_up: bool = False,
        after: Place | None = None,
        limit: int | None = None,
    ) -> list[Document]:
        """Returns the documents that this reader may read, as `Catalog.documents` lists them in the index that answers
        questions.

        With `failed`, it returns those that failed there, and those that failed only in the index that is being built.
        Documents that were given up are among them only with `given_up`.
        """
        building = self.ingestor.building() if failed else None
        beside = building.version if building is not None else None
        catalog = self.store.catalog
        return catalog.documents(
            reader,
            source=source,
            kind=kind,
            failed=failed,
            given_up=given_up,
            beside=beside,
            after=after,
            limit=limit,
        )

    def close(self) -> None:
        """Close the home. All work on it must have ended."""
        self.intake.close()
        self.pages.close()
        self.opened.close()


def open_gate(settings: Settings, model: ChatModel, reading: PassageReading | None) -> FittedGate:
    """Returns the gate before this model, with the home's own weights if it has any."""
    # A model reads for itself. To read for it as well would take longer than its first words.
    lenient = model.follows_instructions
    return FittedGate(
        settings.refusal_threshold,
        line="lenient" if lenient else "strict",
        reading=None if lenient else reading,
        own=OwnWeights.read_or_warn(settings.home),
    )
