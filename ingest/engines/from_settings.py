"""Opens the engine that the settings ask for."""

from __future__ import annotations

import threading
from typing import TypeVar

from ingest.engines import Engine, Stage
from ingest.engines.local import LocalEngine
from ingest.engines.ray import RayEngine
from ingest.settings import IngestSettings

Item = TypeVar("Item")
Result = TypeVar("Result")


def open_engine(
    settings: IngestSettings, stage: Stage[Item, Result], *, workers: int, stop: threading.Event | None = None
) -> Engine[Item, Result]:
    """Returns an engine for this stage. Setting `stop` ends its runs early, without an error. Close it after use.

    The first run starts the workers. Raises ConfigurationError `ray_missing` if Ray is asked for and not installed,
    UnavailableError `ray_unreachable` if its cluster does not answer.
    """
    if settings.engine == "ray":
        return RayEngine(stage, settings, workers=workers, stop=stop)
    return LocalEngine(
        stage.make,
        settings,
        workers=workers,
        limits=stage.limits(settings),
        stop=stop,
        division=stage.division,
    )
