"""The application in each of several serving processes. The index is then on a Qdrant server."""

from __future__ import annotations

import os

from fastapi import FastAPI

from api.app import create_app
from api.serving.logs import configure_logging
from api.settings import load_settings
from api.workspace import Workspace


def make_worker_app() -> FastAPI:
    """Returns the application of one worker. Uvicorn calls this in the worker's process."""
    os.umask(0o077)  # as the command line does: only this user may read a home
    settings = load_settings()
    configure_logging(settings.log_level)
    return create_app(Workspace.open(settings, command="serve"))
