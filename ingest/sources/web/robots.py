"""What a site asks of robots (RFC 9309): where not to go, and how slowly.

The standard library's reader knows neither wildcards nor that the longest rule wins, so that it would go where a site
asks not to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ingest.sources.web.addresses import normal, path_of

_TOKEN = re.compile(r"[A-Za-z_-]+|\*")


@dataclass(frozen=True, slots=True)
class Rule:
    """Paths that begin like `pattern`, in which `*` stands for anything and a `$` at the end for the end."""

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
    """The rules for one robot. `delay_seconds`: what the site wants between two requests."""

    rules: tuple[Rule, ...] = ()
    delay_seconds: float = 0.0

    def allows(self, url: str) -> bool:
        """Whether a page may be fetched: the longest rule that fits counts, and of two equal ones the kind one."""
        path = path_of(url)
        fitting = [rule for rule in self.rules if rule.fits(path)]
        return max(fitting, key=lambda rule: (len(rule.pattern), rule.allows)).allows if fitting else True


ALLOW_ALL: Final = Robots()


def read_robots(text: str, agent: str) -> Robots:
    """The rules that `robots.txt` has for the robot whose product token is `agent`, else those for all robots."""
    wanted = agent.lower()
    groups: dict[str, list[tuple[str, str]]] = {}
    current: set[str] = set()  # of the two groups that matter: a file may name ten thousand others
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
    """The pattern with the escapes that addresses have here."""
    whole = normal(f"http://x/{pattern.lstrip('/')}")
    return path_of(whole) if whole is not None and pattern.startswith("/") else pattern
