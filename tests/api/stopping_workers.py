"""Two workers that answer with a model server: `python -m tests.api.stopping_workers PORT MODEL_URL`."""

from __future__ import annotations

import os
import sys

from fastapi import FastAPI

from api.app import create_app
from api.serving.logs import configure_logging
from api.serving.server import serve_with_workers
from api.settings import Settings
from tests.api.test_stopped_answers import a_house


def make_app() -> FastAPI:
    """The application of one worker."""
    return create_app(a_house(os.environ["MODEL_URL"]))


if __name__ == "__main__":
    os.environ["MODEL_URL"] = sys.argv[2]
    configure_logging("info")
    settings = Settings(port=int(sys.argv[1]), workers=2, qdrant_url="http://127.0.0.1:1")
    serve_with_workers(settings, "tests.api.stopping_workers:make_app")
