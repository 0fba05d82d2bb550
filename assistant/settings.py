"""The settings of answering. Only the entry points read them from the environment and from `youju.toml`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from assistant.models.loading import Precision
from assistant.models.servers.kinds import ServerKind


class AssistantSettings(BaseModel):
    """The settings that say how questions are answered. Each field is `YOUJU_<NAME>` in the environment."""

    model_config = ConfigDict(frozen=True)

    model: str | None = Field(
        None,
        description="Name of the chat model at model_url (its only one if unset), or, without model_url, a local path "
        "or hub name of a transformers chat model. Neither set: answers are quoted from the documents.",
    )
    model_url: str | None = Field(
        None,
        repr=False,
        description="Base URL (…/v1) of an OpenAI-compatible chat server, or (…/api) of Ollama's own interface.",
    )
    model_api_key: SecretStr | None = Field(None, description="API key of that chat server.")
    model_server: ServerKind = Field("auto", description="What kind of server model_url is; auto asks it.")
    model_tokenizer: str | None = Field(
        None,
        description="Folder of the model at model_url, or its tokenizer.json; with hub, a hub name. It counts prompts "
        "where the server does not; weights are not needed.",
    )
    model_context_tokens: int | None = Field(
        None,
        ge=512,
        description="Context window of the chat model, in tokens; if unset what the server says, up to 32768, or else "
        "that of the Qwen model, up to 16384.",
    )
    model_max_tokens: int = Field(1024, ge=16, description="Longest answer, in tokens.")
    model_temperature: float | None = Field(
        None, ge=0, le=2, description="Sampling temperature; what suits the Qwen model if unset, usually 0.2."
    )
    model_connect_seconds: float = Field(5.0, gt=0, description="How long connecting to the model server may take.")
    model_timeout_seconds: float = Field(60.0, gt=0, description="How long the model may stay silent.")
    model_first_token_seconds: float = Field(
        120.0, gt=0, description="How long the model server may take to the first word of an answer; thinking is none."
    )
    model_answer_seconds: float = Field(
        600.0, gt=0, description="How long the model server may take for a whole answer."
    )

    model_precision: Precision = Field(
        "auto", description="Form of the weights of a model in this process; auto is the one that they are stored in."
    )
    model_waiting: int = Field(
        16, ge=0, description="How many answers may wait for a model in this process; the next is refused as busy."
    )

    fallback_model: str | None = Field(
        None,
        description="Model that answers where the first one fails before its first word: at fallback_model_url, or in "
        "this process; `extractive` quotes the documents.",
    )
    fallback_model_url: str | None = Field(
        None, repr=False, description="Base URL (…/v1, or …/api) of that model's server."
    )
    fallback_model_api_key: SecretStr | None = Field(None, description="API key of that server.")

    answers_at_once: int = Field(128, ge=1, description="How many answers the model writes at a time.")
    answers_waiting: int = Field(
        256, ge=0, description="How many more questions may wait for that; the next is refused as busy."
    )

    conversation_days: int = Field(
        30, ge=0, le=36_500, description="How many days a conversation is kept after its last question; 0 keeps none."
    )
    conversations_per_owner: int = Field(1000, ge=1, description="How many conversations one owner may have.")
    conversation_exchanges: int = Field(200, ge=1, le=10_000, description="How many questions a conversation may have.")
    conversation_chars: int = Field(
        1_000_000, ge=1000, description="How long a conversation may be, in characters, with answers and citations."
    )
    when_reader_leaves: Literal["cancel", "finish"] = Field(
        "cancel", description="Whether an answer in a conversation is cancelled or finished once its reader has gone."
    )

    evidence_limit: int = Field(6, ge=1, le=50, description="How many chunks are given to the model.")
    evidence_tokens: int = Field(4000, ge=100, description="How many tokens of evidence are given to the model.")
    question_chars: int = Field(4000, ge=100, description="Longest question, in characters; longer ones are refused.")
    refusal_threshold: float = Field(
        0.5, ge=0, le=1, description="How strong the evidence must be, from 0 (answer everything) to 1."
    )
    second_search_seconds: float = Field(
        3.0,
        ge=0,
        le=60,
        description="How long a chat model may take to word a question again that the first search answers poorly; "
        "0 never asks it.",
    )
    synonyms: Path | None = Field(
        None,
        description="File with the company's synonyms, read again when it changes; synonyms.txt in the home if unset.",
    )
    everyday_words: bool = Field(
        True, description="Whether what regulations call it is searched for, too, where the documents lack a word."
    )
    company: str = Field("", description="Name of the company, used in the prompt.")
