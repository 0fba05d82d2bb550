"""Reads robots.txt (RFC 9309): where a robot must not go, and how slowly it must ask.

The standard library's reader knows no wildcards and does not let the longest rule win. With it we would visit pages
that a site forbids.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ingest.sources.web.addresses import normal, path_of

_TOKEN = re.compile(r"[A-Za-z_-]+|\*")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule for the paths that begin like `pattern`.

    In it, `*` stands for any text and a final `$` for the end of the path.
    """

    allows: bool
    pattern: str

    def fits(self, path: str) -> bool:
        first, *others = self.pattern.removesuffix("$").split("*")
        if not path.startswith(first):
            return False
        at = len(first)
        ends = self.pattern.endswith("$")
        if not others:
            return not ends or at == len(path)
        *middle, last = others
        for part in middle:
            found = path.find(part, at)
            if found < 0:
                return False
            at = found + len(part)
        return path.endswith(last) and len(path) - len(last) >= at if ends else path.find(last, at) >= 0


@dataclass(frozen=True, slots=True)
class Robots:
    """The rules for one robot. `delay_seconds` is the pause that the site wants between two requests."""

    rules: tuple[Rule, ...] = ()
    delay_seconds: float = 0.0

    def allows(self, url: str) -> bool:
        """Returns True if a page may be fetched.

        The longest fitting rule counts. If two are equally long, the one that allows counts.
        """
        path = path_of(url)
        fitting = [rule for rule in self.rules if rule.fits(path)]
        return max(fitting, key=lambda rule: (len(rule.pattern), rule.allows)).allows if fitting else True


ALLOW_ALL: Final = Robots()


def read_robots(text: str, agent: str) -> Robots:
    """Returns the rules in `robots.txt` for the robot whose product token is `agent`, or else the rules for
    all robots.
    """
    wanted = agent.lower()
    groups: dict[str, list[tuple[str, str]]] = {}
    current: set[str] = set()  # only the two groups that count: a file may name ten thousand others
    naming = False
    for line in text.lstrip("\ufeff").splitlines():
        name, colon, value = line.partition("#")[0].partition(":")
        name, value = name.strip().lower(), value.strip()
        if not colon:
            continue
        if name == "user-agent":
            token = _TOKEN.match(value)
            named = token[0].lower() if token else ""
            current = current if naming else set()
            if named in (wanted, "*"):
                current.add(named)
                groups.setdefault(named, [])
            naming = True
        elif name in ("allow", "disallow", "crawl-delay"):
            naming = False
            for each in current:
                groups[each].append((name, value))
    return _rules(groups.get(wanted, groups.get("*", [])))


def _rules(lines: list[tuple[str, str]]) -> Robots:
    delay = 0.0
    rules: list[Rule] = []
    for name, value in lines:
        if name == "crawl-delay":
            try:
                delay = max(delay, float(value))
            except ValueError:
                continue
        elif value:
            rules.append(Rule(name == "allow", _normal(value)))
    return Robots(tuple(rules), delay if delay < float("inf") else 0.0)


def _normal(pattern: str) -> str:
    """Returns the pattern with the same escapes as the addresses here."""
    whole = normal(f"http://x/{pattern.lstrip('/')}")
    return path_of(whole) if whole is not None and pattern.startswith("/") else pattern
