"""The corpus of attacks on the whole way: an HTTP request, documents, what the model server is sent, the answer.

The model server records what reaches it. It says what a model says that keeps to the rules, or what one was made to
say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.settings import Settings
from api.workspace import Workspace
from assistant.answer import Assistant
from assistant.models.from_settings import open_model
from assistant.prompts.messages import condense_messages, second_search_messages
from assistant.retrieve import Retrieved
from assistant.settings import AssistantSettings
from ingest.access import Reader
from ingest.document import Chunk, Hit
from ingest.language import detect
from ingest.sources.folder import FolderSource
from tests.api.scripted_assistant import a_workspace
from tests.api.served import served
from tests.attacks import Attack, attacks, check_messages, check_shown
from tests.canned_retrieval import hits_of
from tests.fake_openai_server import FakeOpenAIServer, Reply

EVERY = [*attacks(answers=False), *attacks(answers=True)]
_CONDENSING = {
    system.text
    for language in ("zh", "en")
    for system, _ in (condense_messages("", language, ()), second_search_messages("", language))
}
_PARTS = {"orders in parts", "forged evidence", "control tokens", "tool tags"}


@dataclass
class Rig:
    """Our server, the model server behind it, and the passages that are found."""

    url: str
    model: FakeOpenAIServer
    says: str = ""
    chunks: tuple[Chunk, ...] = ()
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60))

    def reply(self, body: dict[str, Any]) -> Reply:
        if body["messages"][0]["content"] in _CONDENSING:
            return Reply("QX-17")
        return Reply(self.says, piece_chars=5)

    def retrieve(self, query: str, *, reader: Reader, limit: int) -> Retrieved:
        return Retrieved(query, detect(query), "canned", hits_of(*self.chunks), {})

    def sent(self) -> list[list[tuple[str, str]]]:
        """What reached the model server to be answered, and forget it. No tool was ever offered to a model."""
        fields = {name for body in self.model.requests for name in body}
        assert fields.isdisjoint({"tools", "tool_choice", "functions", "function_call"})
        every = [[(each["role"], each["content"]) for each in body["messages"]] for body in self.model.requests]
        self.model.requests.clear()
        return [messages for messages in every if messages[0][1] not in _CONDENSING]

    def asked(self, question: str, turns: Sequence[tuple[str, str]]) -> dict[str, Any]:
        body = {"question": question, "conversation": [{"role": role, "text": text} for role, text in turns]}
        answer = self.http.post(f"{self.url}/v1/ask", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def streamed(self, question: str, turns: Sequence[tuple[str, str]]) -> str:
        body = {"question": question, "conversation": [{"role": role, "text": text} for role, text in turns]}
        answer = self.http.post(f"{self.url}/v1/ask", json=body | {"stream": True})
        events = [block.split("\n") for block in answer.text.split("\n\n") if block.startswith("event: ")]
        told = [(lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: "))) for lines in events]
        said = "".join(data["text"] for name, data in told if name == "text_delta")
        assert told[-1][0] == "finished"
        assert told[-1][1]["answer"] == said
        return said

    def completed(self, question: str, turns: Sequence[tuple[str, str]], *, stream: bool) -> str:
        messages = [{"role": role, "content": text} for role, text in (*turns, ("user", question))]
        body = {"model": "youju", "messages": messages, "stream": stream}
        answer = self.http.post(f"{self.url}/v1/chat/completions", json=body)
        assert answer.status_code == 200, answer.text
        if not stream:
            return str(answer.json()["choices"][0]["message"]["content"])
        lines = [line[6:] for line in answer.text.split("\n") if line.startswith("data: {")]
        deltas = [choice["delta"] for line in lines for choice in json.loads(line)["choices"]]
        return "".join(delta.get("content") or "" for delta in deltas)


def _locale(attack: Attack, body: dict[str, Any]) -> str:
    """The language of the prompt. It is the question's, and a question that is an attack may be in any."""
    return str(body["language"]) if attack.place == "question" else attack.language


def _lets_all_through(query: str, hits: Sequence[Hit], *, embedder: str, **_: object) -> bool:
    return True


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with FakeOpenAIServer(lambda body: made.reply(body)) as model:
        made = Rig("", model)
        settings = AssistantSettings(model="qwen", model_url=model.url)
        assistant = Assistant(made, _lets_all_through, open_model(settings, hub=False), settings)
        workspace: Any = a_workspace(assistant)  # type: ignore[arg-type]
        with served(create_app(workspace)) as made.url, made.http:
            yield made


@pytest.mark.parametrize("attack", EVERY, ids=lambda attack: attack.id)
def test_no_attack_gets_past_the_prompt_or_into_the_answer(rig: Rig, attack: Attack) -> None:
    rig.says, rig.chunks = attack.answer, attack.chunks()
    turns = [(turn.role, turn.text) for turn in attack.turns]
    rig.sent()
    body = rig.asked(attack.question, turns)
    shown = [
        body["answer"],
        rig.streamed(attack.question, turns),
        rig.completed(attack.question, turns, stream=False),
        rig.completed(attack.question, turns, stream=True),
    ]
    sent = rig.sent()
    assert len(sent) == 4
    for messages in sent:
        check_messages(attack, messages, len(rig.chunks), language=_locale(attack, body))
    assert [(hit["text"], hit["title"], hit["uri"]) for hit in body["evidence"]] == [
        (chunk.text, chunk.title, chunk.uri) for chunk in rig.chunks
    ]
    for citation in body["citations"]:
        assert citation["quote"] in rig.chunks[citation["number"] - 1].text
    for text in shown:
        check_shown(attack, text, len(body["citations"]))
    if attack.place != "answer":
        assert [citation["number"] for citation in body["citations"]] == [1]


def _written(folder: Path, attack: Attack, code: str) -> None:
    """Write a Markdown file with the attack in its place."""
    text, heading, title = f"{code} 的保修期为三十六个月。", "保修", f"手册 {code}"
    line = " ".join(attack.text.split())
    name = f"{code} {attack.text.rpartition('.')[0]}.md" if attack.place == "file name" else f"{code}.md"
    title = f"{title} {line}" if attack.place == "title" else title
    heading = f"{heading} {line}" if attack.place == "heading" else heading
    below = attack.text if attack.place == "document" else ""
    (folder / name).write_text(f"# {title}\n\n## {heading}\n\n{text}\n\n{below}\n", encoding="utf-8")


@pytest.mark.usefixtures("inline")
@pytest.mark.timeout(600)
def test_no_attack_in_a_file_gets_past_the_prompt(tmp_path: Path) -> None:
    in_files = [
        attack
        for attack in attacks(answers=False)
        if attack.kind in _PARTS and attack.place in ("document", "title", "heading", "file name")
    ]
    assert len(in_files) > 20
    (folder := tmp_path / "documents").mkdir()
    codes = {f"QX-{number}": attack for number, attack in enumerate(in_files, start=101)}
    for code, attack in codes.items():
        _written(folder, attack, code)
    with FakeOpenAIServer(lambda body: Reply("保修期为三十六个月。[1]")) as model:
        settings = Settings(home=tmp_path / "home", model="qwen", model_url=model.url, evidence_limit=2)
        with closing(Workspace.open(settings, command="test")) as opened:
            report = opened.ingestor.run(FolderSource([folder]))
            assert (report.new, report.failed) == (len(codes), 0)
            rig = Rig("", model)
            with served(create_app(opened)) as rig.url, rig.http:
                for code, attack in codes.items():
                    body = rig.asked(f"{code} 的保修期多久？", [])
                    assert code in body["evidence"][0]["text"] + body["evidence"][0]["uri"]
                    (messages,) = rig.sent()
                    check_messages(attack, messages, len(body["evidence"]), language="zh")
                    for citation in body["citations"]:
                        whole = rig.http.get(f"{rig.url}/v1/documents/{citation['document_id']}/original").text
                        assert citation["quote"] in whole
