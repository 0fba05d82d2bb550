"""Refuses requests with unknown names. A caller who sends a filter must not believe that it filters when it does not.

This does not hold for the OpenAI routes, whose clients send many fields. The page and the probes take no parameters.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated, Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from api.http.errors import OPENAI_PATHS
from api.http.excerpts import excerpt
from api.security.grants import grant_of
from ingest.errors import RequestError

_SHOWN_CHARS = 100


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WholeNumber = Annotated[int, BeforeValidator(_whole)]
"""A whole number in a JSON body. JSON has only one kind of number, so 5.0 counts as 5."""


class RequestBody(BaseModel):
    """A JSON body that a caller sends.

    An unknown field is an error, which names the right one. A value of another type is an error too: `"5"` is not a
    number and `0` is not false.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _knows_every_field(cls, data: Any) -> Any:
        if isinstance(data, dict):
            for name in data:
                if name not in cls.model_fields:
                    raise ValueError(complaint(str(name), cls.model_fields, "field"))
        return data


async def known_parameters(request: Request) -> None:
    """Refuse a query parameter that the route does not declare. All routes depend on it.

    Raises RequestError `invalid_request`, which names the parameter.
    """
    path = request.scope["path"]
    dependant = getattr(request.scope.get("route"), "dependant", None)
    if dependant is None or path.startswith(OPENAI_PATHS) or grant_of(request.method, path) in ("open", "page"):
        return
    known = set(_parameters(dependant))
    for name in request.query_params:
        if name not in known:
            raise RequestError(
                "invalid_request",
                complaint(name, known, "query parameter"),
                "The parameters are described at /openapi.json.",
            )


def complaint(name: str, known: Iterable[str], kind: str) -> str:
    """Returns what is wrong with `name`, which is no field or parameter here. It suggests a similar name."""
    names = sorted(known)
    near = get_close_matches(name[:_SHOWN_CHARS], names, n=1)
    meant = f" Did you mean {near[0]}?" if near else ""
    every = f" There are {', '.join(names)}." if names else " There are none here."
    return f"{excerpt(name, _SHOWN_CHARS)}: there is no such {kind}.{meant}{every}"


def _parameters(dependant: Dependant) -> Iterable[str]:
    yield from (parameter.alias for parameter in dependant.query_params)
    for inner in dependant.dependencies:
        yield from _parameters(inner)
