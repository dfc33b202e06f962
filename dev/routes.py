"""Finds a request's route as API Gateway does: the most specific path wins, then the method."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sam_template.template import Route


@dataclass(frozen=True)
class Match:
    """A route and what its path's variables stand for."""

    route: Route
    parameters: dict[str, str]


class Router:
    """The routes of one HTTP API."""

    def __init__(self, routes: Iterable[Route]) -> None:
        ordered = sorted(routes, key=_rank)
        self._routes = [(route, _pattern(route.path)) for route in ordered]

    def find(self, method: str, path: str) -> Match | None:
        """Match a decoded path; None means API Gateway answers itself."""
        for route, pattern in self._routes:
            if route.method in {method, "ANY"} and (found := pattern.fullmatch(path)):
                names = re.findall(r"\{(\w+)\+?\}", route.path)
                return Match(route, dict(zip(names, found.groups(), strict=True)))
        return None


def _rank(route: Route) -> tuple[object, ...]:
    greedy, default = "+}" in route.path, route.path == "$default"
    # At each place a plain word goes before a variable.
    shape = [part.startswith("{") for part in route.path.split("/")]
    return default, greedy, shape, -len(route.path), route.method == "ANY"


def _pattern(path: str) -> re.Pattern[str]:
    if path == "$default":
        return re.compile(".*", re.DOTALL)
    pattern = ""
    for part in re.split(r"(\{\w+\+?\})", path):
        if part.startswith("{"):
            pattern += "(.+)" if part.endswith("+}") else "([^/]+)"
        else:
            pattern += re.escape(part)
    return re.compile(pattern, re.DOTALL)
