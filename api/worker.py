"""What each of several serving processes answers with; the index is a Qdrant server's then."""

from __future__ import annotations

import os

from fastapi import FastAPI

from api.app import create_app
from api.logs import configure_logging
from api.settings import load_settings
from api.workspace import Workspace


def make_worker_app() -> FastAPI:
    """The application of one worker, for uvicorn to call in its process."""
    os.umask(0o077)  # as the command line does: what a home holds is for nobody else
    settings = load_settings()
    configure_logging(settings.log_level)
    return create_app(Workspace.open(settings, command="serve"))
