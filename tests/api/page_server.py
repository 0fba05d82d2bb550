"""Answers paths exactly as they are given: `python -m tests.api.page_server < PATHS` prints JSON, one answer for each.

It imports the first `api` on the path, so that a copy of the package with more pages in it can be asked.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import sys

from api.app import create_app
from tests.api.scripted_assistant import ScriptedAssistant, a_workspace
from tests.api.served import served


def main() -> None:
    app = create_app(a_workspace(ScriptedAssistant(), api_key="operator-0123456789abcdef"))
    answers = {}
    with served(app) as url:
        for path in json.load(sys.stdin):
            connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
            connection.request("GET", path)  # unlike other clients, this one does not tidy up the path
            response = connection.getresponse()
            body = response.read()
            kind = response.headers["content-type"]
            answers[path] = [response.status, kind, hashlib.sha256(body).hexdigest()]
            connection.close()
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
