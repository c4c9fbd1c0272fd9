"""The limit: rows that are ready, loaded by COPY into tables with keys; nothing can be faster."""

import io
import json
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

_ITEM_COLUMNS = """
    tenant_id bigint NOT NULL, integration_id bigint NOT NULL, source_id text NOT NULL,
    key text NOT NULL, project_source_id text, project_key text, type_source_id text,
    source_type text, status_source_id text, source_status text, title text, description text,
    priority text, resolution text, assignee_source_id text, reporter_source_id text,
    parent_source_id text, labels jsonb, sprint_source_ids jsonb, story_points double precision,
    due_on date, created_at timestamptz, updated_at timestamptz, resolved_at timestamptz"""
_CHANGE_COLUMNS = """
    tenant_id bigint NOT NULL, integration_id bigint NOT NULL, work_item_source_id text NOT NULL,
    source_id text NOT NULL, position integer NOT NULL, field text, field_id text,
    is_status boolean, from_value text, to_value text, from_text text, to_text text,
    author_source_id text, changed_at timestamptz"""
_ITEM_KEY = "tenant_id, integration_id, source_id"
_CHANGE_KEY = "tenant_id, integration_id, work_item_source_id, source_id, position"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\x00": ""})


@dataclass(frozen=True)
class ReadyRows:
    """COPY text of both tables."""

    items: str
    changes: str


def ready_rows(issues: Path) -> ReadyRows:
    """Turn a recording's work items into COPY text, before the clock runs."""
    items, changes = io.StringIO(), io.StringIO()
    with issues.open(encoding="utf-8") as lines:
        for line in lines:
            issue = json.loads(line)
            items.write(_line(_item(issue)))
            for change in _changes(issue):
                changes.write(_line(change))
    return ReadyRows(items.getvalue(), changes.getvalue())


def load(url: str, rows: ReadyRows, *, surrogates: bool) -> tuple[float, float]:
    """Load the rows into new tables; return the seconds and this process's peak in MB.

    surrogates: each table has an id of its own as the primary key and the natural key as a
    unique key beside it; otherwise the change table has its natural key alone, as ours has.
    """
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            own_id = "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
            cursor.execute(f"CREATE TABLE items ({own_id} {_ITEM_COLUMNS}, UNIQUE ({_ITEM_KEY}))")
            keys = f"UNIQUE ({_CHANGE_KEY})" if surrogates else f"PRIMARY KEY ({_CHANGE_KEY})"
            first = own_id if surrogates else ""
            cursor.execute(f"CREATE TABLE changes ({first} {_CHANGE_COLUMNS}, {keys})")
        began = time.perf_counter()
        with connection, connection.cursor() as cursor:
            for table, columns, text in (
                ("items", _ITEM_COLUMNS, rows.items),
                ("changes", _CHANGE_COLUMNS, rows.changes),
            ):
                names = ", ".join(part.split()[0] for part in columns.split(","))
                cursor.copy_expert(f"COPY {table} ({names}) FROM STDIN", io.StringIO(text))
        seconds = time.perf_counter() - began
    finally:
        connection.close()
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _item(issue: dict[str, Any]) -> tuple[Any, ...]:
    fields = issue["fields"]
    sprints = [str(sprint["id"]) for sprint in fields.get("customfield_10020") or ()]
    return (
        1,
        1,
        issue["id"],
        issue["key"],
        fields["project"]["id"],
        fields["project"]["key"],
        fields["issuetype"]["id"],
        fields["issuetype"]["name"],
        fields["status"]["id"],
        fields["status"]["name"],
        fields["summary"],
        fields["description"],
        (fields.get("priority") or {}).get("name"),
        (fields["resolution"] or {}).get("name"),
        (fields["assignee"] or {}).get("accountId"),
        fields["reporter"]["accountId"],
        (fields.get("parent") or {}).get("id"),
        json.dumps(fields["labels"]),
        json.dumps(sprints),
        fields.get("customfield_10026") or fields.get("customfield_10016"),
        fields.get("duedate"),
        fields["created"],
        fields["updated"],
        fields["resolutiondate"],
    )


def _changes(issue: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    for history in issue["changelog"]["histories"]:
        author = (history.get("author") or {}).get("accountId")
        for position, item in enumerate(history["items"]):
            yield (
                1,
                1,
                issue["id"],
                history["id"],
                position,
                item["field"],
                item.get("fieldId"),
                item["field"] == "status",
                item["from"],
                item["to"],
                item["fromString"],
                item["toString"],
                author,
                history["created"],
            )


def _line(values: tuple[Any, ...]) -> str:
    texts = ("\\N" if v is None else str(v).translate(_ESCAPES) for v in values)
    return "\t".join(texts) + "\n"
