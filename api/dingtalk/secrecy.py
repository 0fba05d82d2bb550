"""Keeps the queries of DingTalk's addresses out of the log of the HTTP client: they are passwords."""

from __future__ import annotations

import logging

import httpx


class _WithoutQueries(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_shown(argument) for argument in record.args)
        return True


_FILTER = _WithoutQueries()


def hide_queries() -> None:
    """From now on the HTTP client's request log shows addresses without their query. Calling it again is free."""
    logging.getLogger("httpx").addFilter(_FILTER)


def _shown(argument: object) -> object:
    return argument.copy_with(query=None) if isinstance(argument, httpx.URL) else argument
