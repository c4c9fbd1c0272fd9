"""Loads a recording's work items with dlt; run by the benchmark in dlt's own environment.

default: what its documentation shows first, nested changes in a child table. best: Arrow tables
in Parquet files over ADBC. Both merge by key. Prints {"seconds": …} without the imports.
"""

import argparse
import json
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import dlt
import orjson  # type: ignore[import-not-found, unused-ignore]
import pyarrow as pa

PAGE = 100
ARROW_ITEMS = 5_000
ITEM_KEY = ["source_id"]
CHANGE_KEY = ["work_item_source_id", "source_id", "position"]
Row = dict[str, Any]


def pages(path: Path, loads: Any) -> Iterator[list[Row]]:
    """Yield the recording's work items in pages of 100."""
    with path.open("rb") as lines:
        while page := [loads(line) for line in islice(lines, PAGE)]:
            yield page


def item_row(issue: Row) -> Row:
    """Return the columns of a work item."""
    fields = issue["fields"]
    sprints = [str(sprint["id"]) for sprint in fields.get("customfield_10020") or ()]
    return {
        "source_id": issue["id"],
        "key": issue["key"],
        "project_source_id": fields["project"]["id"],
        "project_key": fields["project"]["key"],
        "type_source_id": fields["issuetype"]["id"],
        "source_type": fields["issuetype"]["name"],
        "status_source_id": fields["status"]["id"],
        "source_status": fields["status"]["name"],
        "title": fields["summary"].replace("\x00", ""),
        "description": fields["description"],
        "priority": (fields.get("priority") or {}).get("name"),
        "resolution": (fields["resolution"] or {}).get("name"),
        "assignee_source_id": (fields["assignee"] or {}).get("accountId"),
        "reporter_source_id": fields["reporter"]["accountId"],
        "parent_source_id": (fields.get("parent") or {}).get("id"),
        "labels": json.dumps(fields["labels"]),
        "sprint_source_ids": json.dumps(sprints),
        "story_points": fields.get("customfield_10026") or fields.get("customfield_10016"),
        "due_on": fields.get("duedate"),
        "created_at": datetime.fromisoformat(fields["created"]),
        "updated_at": datetime.fromisoformat(fields["updated"]),
        "resolved_at": fields["resolutiondate"]
        and datetime.fromisoformat(fields["resolutiondate"]),
    }


def change_rows(issue: Row) -> Iterator[Row]:
    """Yield the columns of a work item's changes."""
    for history in issue["changelog"]["histories"]:
        author = (history.get("author") or {}).get("accountId")
        changed_at = datetime.fromisoformat(history["created"])
        for position, item in enumerate(history["items"]):
            yield {
                "work_item_source_id": issue["id"],
                "source_id": history["id"],
                "position": position,
                "field": item["field"],
                "field_id": item.get("fieldId"),
                "is_status": item["field"] == "status",
                "from_value": item["from"],
                "to_value": item["to"],
                "from_text": item["fromString"],
                "to_text": item["toString"],
                "author_source_id": author,
                "changed_at": changed_at,
            }


def _schema(sample: Row) -> pa.Schema:
    """Return the Arrow columns: text where the sample holds nothing else."""
    kinds = {int: pa.int64(), bool: pa.bool_(), datetime: pa.timestamp("us", "UTC")}
    columns = {name: kinds.get(type(value), pa.string()) for name, value in sample.items()}
    if "story_points" in columns:
        columns |= {"story_points": pa.float64(), "resolved_at": columns["created_at"]}
    return pa.schema(list(columns.items()))


def nested_items(path: Path) -> Iterator[list[Row]]:
    """Yield pages of work items that hold their changes."""
    for page in pages(path, json.loads):
        yield [item_row(issue) | {"changes": list(change_rows(issue))} for issue in page]


def arrow_tables(path: Path) -> Iterator[Any]:
    """Yield Arrow tables for both database tables, read in one pass."""
    issues = (issue for page in pages(path, orjson.loads) for issue in page)
    schemas: dict[str, pa.Schema] = {}
    while batch := list(islice(issues, ARROW_ITEMS)):
        for name, key, rows in (
            ("items", ITEM_KEY, [item_row(issue) for issue in batch]),
            ("changes", CHANGE_KEY, [row for issue in batch for row in change_rows(issue)]),
        ):
            if not rows:
                continue
            schema = schemas.setdefault(name, _schema(rows[0]))
            table = pa.Table.from_pylist(rows, schema=schema)
            hints = dlt.mark.make_hints(table_name=name, primary_key=key, write_disposition="merge")
            yield dlt.mark.with_hints(table, hints, create_table_variant=True)


def main() -> None:
    """Run one pipeline and print its seconds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=("default", "best"))
    parser.add_argument("issues", type=Path)
    parser.add_argument("url")
    parser.add_argument("work", help="where dlt keeps its files")
    arguments = parser.parse_args()
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=arguments.work,
        destination=dlt.destinations.postgres(arguments.url),
        dataset_name="bench_dlt",
    )
    began = time.perf_counter()
    if arguments.mode == "default":
        rows = nested_items(arguments.issues)
        items = dlt.resource(rows, name="items", primary_key=ITEM_KEY, write_disposition="merge")
        pipeline.run(items)
    else:
        tables = dlt.resource(arrow_tables(arguments.issues), name="arrow_items")
        pipeline.run(tables, loader_file_format="parquet")
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
