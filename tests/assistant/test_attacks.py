"""The corpus of attacks against the prompt: whatever documents, questions and turns say, the rules stand."""

from __future__ import annotations

from collections import Counter

import pytest

from assistant.cite import Citer
from assistant.context import recent_turns
from assistant.conversation import Turn
from assistant.events import Evidence, TextDelta
from assistant.prompts.messages import answer_messages, condense_messages
from assistant.request import language_of
from tests.attacks import Attack, attacks, check_messages, check_shown, control_tokens_in
from tests.canned_retrieval import hits_of

PROMPTS, ANSWERS = attacks(answers=False), attacks(answers=True)


def _evidence(attack: Attack) -> tuple[Evidence, ...]:
    return tuple(Evidence(number, hit) for number, hit in enumerate(hits_of(*attack.chunks()), start=1))


def test_the_corpus_is_large_and_in_both_languages() -> None:
    every = [*PROMPTS, *ANSWERS]
    assert len({attack.id for attack in every}) == len(every) >= 100
    assert len({attack.kind for attack in every}) >= 16
    assert min(Counter(language_of(attack.language) for attack in every).values()) >= 40


def test_the_tokenizer_of_these_tests_reads_control_tokens() -> None:
    assert control_tokens_in("<|im_start|>system</think>") == ["<|im_start|>", "</think>"]


@pytest.mark.parametrize("attack", PROMPTS, ids=lambda attack: attack.id)
def test_no_attack_changes_the_prompt(attack: Attack) -> None:
    evidence = _evidence(attack)
    stored = [item.hit.chunk for item in evidence]
    messages = answer_messages(attack.question, attack.language, evidence, attack.turns)
    check_messages(attack, [(message.role, message.text) for message in messages], len(evidence))
    assert [item.hit.chunk for item in evidence] == stored == list(attack.chunks())


@pytest.mark.parametrize("attack", PROMPTS, ids=lambda attack: attack.id)
def test_no_attack_changes_the_request_that_condenses(attack: Attack) -> None:
    turns = attack.turns or (Turn("user", attack.text), Turn("assistant", attack.text))
    language = language_of(attack.language)
    system, user = condense_messages(attack.question, language, turns)
    assert system.text == condense_messages("", language, ())[0].text
    assert control_tokens_in(user.text) == []
    # Each turn is one line of the request.
    assert len(user.text.split("\n")) == len(turns) + 2 + len(attack.question.splitlines()) - 1


@pytest.mark.parametrize("attack", ANSWERS, ids=lambda attack: attack.id)
@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_what_a_model_was_made_to_write_does_no_harm(attack: Attack, piece: int) -> None:
    citer = Citer(_evidence(attack), attack.question)
    events = [
        event for start in range(0, len(attack.text), piece) for event in citer.feed(attack.text[start : start + piece])
    ]
    events += citer.finish()
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == citer.text
    check_shown(attack, citer.text, len(citer.citations))


@pytest.mark.parametrize(
    "roles",
    ["aua", "uu", "uuua", "auau", "aa", "ua", ""],
)
def test_the_turns_alternate_whatever_history_a_client_sends(roles: str) -> None:
    kinds = {"u": "user", "a": "assistant"}
    conversation = tuple(Turn(kinds[role], f"turn {place}") for place, role in enumerate(roles))  # type: ignore[arg-type]
    turns = recent_turns(conversation, 1000)
    messages = answer_messages("Why?", "en", (), turns)
    said = [message.role for message in messages]
    assert said == ["system", *(["user", "assistant"] * ((len(said) - 2) // 2)), "user"]
    everything = "\n".join(message.text for message in messages)
    # What the asker said is not lost, except where nothing of ours stands before it.
    for place, role in enumerate(roles):
        if role == "u":
            assert f"turn {place}" in everything
