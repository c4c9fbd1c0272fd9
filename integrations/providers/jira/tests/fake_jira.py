"""A small Jira in memory: just what the walks ask, by tokens (Cloud) and by rows (Data Center)."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .fake_site import Reply, Request

Hook = Callable[[Request], Reply | None]


@dataclass
class Item:
    """An issue. created, updated: ms since 1970. histories: how many it has."""

    number: int
    updated: int
    project: str = "10"
    created: int = 1_700_000_000_000
    histories: int = 0
    is_indexed: bool = True

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.number)

    def fields(self) -> dict[str, Any]:
        """Return the fields that the walks and their reading need."""
        return {
            "summary": f"Item {self.number}",
            "project": {"id": self.project, "key": f"P{self.project}"},
            "issuetype": {"id": "1", "name": "Story"},
            "status": {"id": "3", "name": "Doing"},
            "created": _text(self.created),
            "updated": _text(self.updated),
        }

    def history(self, number: int) -> dict[str, Any]:
        """Return one of its histories, the id and instant of which follow from its number."""
        change = {"field": "labels", "fieldtype": "jira", "from": None, "to": None}
        name = f"{self.number}{number:03}"
        return {"id": name, "created": self.created + number * 60_000, "items": [change]}


def _text(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")


@dataclass
class FakeJira:
    """Answers requests. hooks: may answer instead, or change something before an answer."""

    items: list[Item] = field(default_factory=list)
    projects: dict[str, str] = field(default_factory=lambda: {"10": "P10"})
    hooks: list[Hook] = field(default_factory=list)
    embedded: int = 40
    tokens: dict[str, tuple[int, int]] = field(default_factory=dict)
    archived: set[str] = field(default_factory=set)

    def __call__(self, request: Request) -> Reply:
        """Answer a request."""
        for hook in self.hooks:
            if reply := hook(request):
                return reply
        route = request.name.partition(" ")[2]
        if re.fullmatch(r"project/\w+", route) and route != "project/search":
            return self._project(route.partition("/")[2])
        if match := re.fullmatch(r"issue/(\d+)", route):
            found = [item for item in self.items if item.id == match[1]]
            return Reply(self._entity(found[0], [])) if found else _missing()
        return _ROUTES[route](self, request.params)

    def _project(self, name: str) -> Reply:
        for source_id, key in self.projects.items():
            if name in (source_id, key):
                is_archived = {"archived": True} if source_id in self.archived else {}
                return Reply({"id": source_id, "key": key} | is_archived)
        return _missing()

    def _entity(self, item: Item, expand: list[str]) -> dict[str, Any]:
        entity: dict[str, Any] = {"id": item.id, "key": f"P{item.project}-{item.number}"}
        entity["fields"] = item.fields()
        if "changelog" in expand:
            newest = range(item.histories)[::-1][: self.embedded]
            held = [item.history(n) | {"created": _text(item.updated)} for n in newest]
            total = {"startAt": 0, "maxResults": len(held), "total": item.histories}
            entity["changelog"] = total | {"histories": held}
        return entity

    def _found(self, jql: str) -> list[Item] | None:
        """Return the items of a query in its order, None if it names an unknown project."""
        where, _, order = jql.partition(" ORDER BY ")
        named = re.findall(r"project (?:= (\d+)|in \(([^)]*)\))", where)
        ids = {each.strip() for one, many in named for each in (one or many).split(",")}
        if not ids <= set(self.projects) - self.archived:
            return None
        fulfils = _predicate(where)
        found = [item for item in self.items if item.is_indexed and fulfils(item)]
        field_name, direction = (order or "key ASC").split(",")[0].split(" ")
        name = "number" if field_name == "key" else field_name
        found.sort(key=lambda item: (getattr(item, name), item.number))
        return found[::-1] if direction == "DESC" else found

    def search_by_token(self, payload: dict[str, Any]) -> Reply:
        """Give a page of the items after the one that the token names."""
        found = self._found(payload["jql"])
        if found is None:
            return unknown_project()
        if token := payload.get("nextPageToken"):
            if token not in self.tokens:
                return Reply({"errorMessages": ["The page token is invalid."]}, 400)
            found = [item for item in found if _place(item, payload) > self.tokens[token]]
        page = found[: payload["maxResults"]]
        expand = payload.get("expand", "").split(",")
        body: dict[str, Any] = {"issues": [self._entity(item, expand) for item in page]}
        if len(found) > len(page):
            token = f"token-{len(self.tokens)}"
            self.tokens[token] = _place(page[-1], payload)
            body["nextPageToken"] = token
        return Reply(body)

    def search_by_row(self, payload: dict[str, Any]) -> Reply:
        """Give rows from a number on, and how many there are."""
        found = self._found(payload["jql"])
        if found is None:
            return unknown_project()
        start = payload.get("startAt", 0)
        page = found[start : start + payload["maxResults"]]
        entities = [self._entity(item, payload.get("expand", [])) for item in page]
        return Reply({"startAt": start, "total": len(found), "issues": entities})

    def count(self, payload: dict[str, Any]) -> Reply:
        """Count the items of a query."""
        found = self._found(payload["jql"])
        return unknown_project() if found is None else Reply({"count": len(found)})

    def bulk(self, payload: dict[str, Any]) -> Reply:
        """Give items by their ids, those that are there."""
        ids, expand = payload["issueIdsOrKeys"], payload.get("expand", [])
        return Reply({"issues": [self._entity(i, expand) for i in self.items if i.id in ids]})

    def histories(self, payload: dict[str, Any]) -> Reply:
        """Give the histories of items by their ids, two a page."""
        ids, start = payload["issueIdsOrKeys"], int(payload.get("nextPageToken", "0"))
        every = [(i, n) for i in self.items if i.id in ids for n in range(i.histories)]
        logs: dict[str, list[Any]] = {}
        for item, number in every[start : start + 2]:
            logs.setdefault(item.id, []).append(item.history(number))
        listed = [{"issueId": each, "changeHistories": held} for each, held in logs.items()]
        more = {"nextPageToken": str(start + 2)} if start + 2 < len(every) else {}
        return Reply({"issueChangeLogs": listed} | more)

    def project_page(self, params: dict[str, Any]) -> Reply:
        """Give projects two at a time."""
        if params.get("status") == "deleted":
            return Reply({"values": []})
        start = int(params.get("startAt", 0))
        shown = [pair for pair in self.projects.items() if pair[0] not in self.archived]
        every = [{"id": source_id, "key": key} for source_id, key in shown]
        is_last = start + 2 >= len(every)
        return Reply({"values": every[start : start + 2], "isLast": is_last, "total": len(every)})


def _missing() -> Reply:
    return Reply({"errorMessages": ["It does not exist or you do not have permission."]}, 404)


def unknown_project() -> Reply:
    """Answer as to a query that names a project that is not there."""
    text = "The value '10' does not exist for the field 'project'."
    return Reply({"errorMessages": [text]}, 400)


def _place(item: Item, payload: dict[str, Any]) -> tuple[int, int]:
    return (item.updated if "updated" in payload["jql"] else 0, item.number)


def _predicate(where: str) -> Callable[[Item], bool]:
    """Return what a query without functions and text asks of an item."""
    text = re.sub(r"project = (\d+)", r"item.project == '\1'", where)
    text = re.sub(
        r"(project|id) in \(([^)]*)\)",
        lambda m: f"item.{m[1]} in {[each.strip() for each in m[2].split(',')]!r}",
        text,
    )
    text = re.sub(r"(updated|created) (>=|<)", r"item.\1 \2", text)
    text = text.replace(" AND ", " and ").replace(" OR ", " or ")
    code = compile(text, "query", "eval")
    return lambda item: bool(eval(code, {"item": item}))


_ROUTES: dict[str, Callable[[FakeJira, dict[str, Any]], Reply]] = {
    "search/jql": FakeJira.search_by_token,
    "search": FakeJira.search_by_row,
    "search/approximate-count": FakeJira.count,
    "issue/bulkfetch": FakeJira.bulk,
    "changelog/bulkfetch": FakeJira.histories,
    "project/search": FakeJira.project_page,
    "project": lambda jira, _: Reply([{"id": i, "key": k} for i, k in jira.projects.items()]),
    "issuetype": lambda *_: Reply([{"id": "1", "name": "Story"}]),
    "status": lambda *_: Reply([{"id": "3", "name": "Doing"}]),
    "field": lambda *_: Reply([{"id": f"customfield_{n}", "name": "x"} for n in (10, 11, 20)]),
    "myself": lambda *_: Reply({"displayName": "Ann", "timeZone": "Asia/Tokyo"}),
    "serverInfo": lambda *_: Reply({"version": "1001", "deploymentType": "Cloud"}),
    "rest/agile/1.0/board": lambda *_: Reply({"values": [], "isLast": True}),
}
