"""What each of several serving processes answers with; the index is a Qdrant server's then."""

from __future__ import annotations

from fastapi import FastAPI

from api.app import create_app
from api.settings import load_settings
from api.workspace import Workspace


def make_worker_app() -> FastAPI:
    """The application of one worker, for uvicorn to call in its process."""
    return create_app(Workspace.open(load_settings(), command="serve"))
