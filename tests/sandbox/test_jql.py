"""JQL: what it finds, how it reads times, and that it refuses what it does not know."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sandbox.generate.world import World
from sandbox.jira.jql import JqlError, parse
from sandbox.jira.jql.times import span
from sandbox.options import Options
from tests.sandbox.jira_client import Client

Row = dict[str, str]


@pytest.mark.parametrize(
    ("jql", "holds"),
    [
        ("project = SHOP", lambda row: row["project_key"] == "SHOP"),
        ("project in (PAY, 10002)", lambda row: row["project_key"] in ("PAY", "OPS")),
        ('project = "Online Shop"', lambda row: row["project_key"] == "SHOP"),
        ("project != SHOP", lambda row: row["project_key"] != "SHOP"),
        ("project not in (SHOP, PAY)", lambda row: row["project_key"] == "OPS"),
        ("key in (SHOP-1, 'PAY-2')", lambda row: row["key"] in ("SHOP-1", "PAY-2")),
        ("id = 100007", lambda row: row["source_id"] == "100007"),
        ("status = Done", lambda row: row["source_status"] == "Done"),
        ("issuetype in (Bug, Story)", lambda row: row["source_type"] in ("Bug", "Story")),
        ("project = PAY AND NOT status = Done", lambda row: row["project_key"] == "PAY"
            and row["source_status"] != "Done"),
        ("project = PAY OR key = SHOP-1 AND type = Bug", lambda row: row["project_key"] == "PAY"),
        ("(project = PAY OR project = OPS) AND type = Bug", lambda row: row["project_key"] != "SHOP"
            and row["source_type"] == "Bug"),
        ("project=SHOP&&type!=Bug", lambda row: row["project_key"] == "SHOP"
            and row["source_type"] != "Bug"),
    ],
)  # fmt: skip
def test_a_query_finds_exactly_what_it_says(
    jira: Client, jql: str, holds: Callable[[Row], bool]
) -> None:
    expected = {row["key"] for row in jira.rows("work_items") if holds(row)}
    assert expected
    assert set(jira.keys(jql)) == expected


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">=", "=", "!="])
def test_milliseconds_compare_to_the_millisecond(jira: Client, operator: str) -> None:
    rows = {
        row["key"]: datetime.fromisoformat(row["updated_at"]) for row in jira.rows("work_items")
    }
    edge = sorted(rows.values())[100]
    compare = {
        "<": edge.__gt__, "<=": edge.__ge__, ">": edge.__lt__, ">=": edge.__le__,
        "=": edge.__eq__, "!=": edge.__ne__,
    }  # fmt: skip
    expected = {key for key, at in rows.items() if compare[operator](at)}
    found = jira.keys(f"updated {operator} {round(edge.timestamp() * 1000)}")
    assert 0 < len(expected) < 200
    assert set(found) == expected


@pytest.mark.parametrize("zone", ["Pacific/Apia", "America/New_York", "UTC"])
def test_a_date_and_time_is_read_in_the_zone_of_the_user(zone: str) -> None:
    jira = Client(World(items=200, seed=4, shape="v3", zone=zone), Options(user_zone=zone))
    assert jira.get("/myself").json()["timeZone"] == zone
    rows = {
        row["key"]: datetime.fromisoformat(row["updated_at"]) for row in jira.rows("work_items")
    }
    edge = sorted(rows.values())[100].astimezone(ZoneInfo(zone)).replace(second=0, microsecond=0)
    expected = {key for key, at in rows.items() if at >= edge}
    assert set(jira.keys(f'updated >= "{edge:%Y-%m-%d %H:%M}"')) == expected
    within = {key for key, at in rows.items() if edge <= at < edge + timedelta(minutes=1)}
    assert set(jira.keys(f'updated = "{edge:%Y/%m/%d %H:%M}"')) == within


def test_times_around_a_clock_change_are_instants() -> None:
    """On 2026-03-08 New York has no 02:30, on 2026-11-01 it has 01:30 twice."""
    zone = ZoneInfo("America/New_York")

    def first(text: str) -> datetime:
        return datetime.fromtimestamp(span(text, "updated", zone, 0)[0] / 1000, UTC)

    assert first("2026-03-08 01:59") == datetime(2026, 3, 8, 6, 59, tzinfo=UTC)
    assert first("2026-03-08 02:30") == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)
    assert first("2026-03-08 03:00") == datetime(2026, 3, 8, 7, 0, tzinfo=UTC)
    assert first("2026-11-01 01:30") == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert first("2026-11-01 02:00") == datetime(2026, 11, 1, 7, 0, tzinfo=UTC)
    assert first("2026-11-01") == datetime(2026, 11, 1, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("jql", "message"),
    [
        ("project = NOPE", "The value 'NOPE' does not exist for the field 'project'."),
        ("project in (SHOP, NOPE)", "The value 'NOPE' does not exist for the field 'project'."),
        ("key = SHOP-99999", "An issue with key 'SHOP-99999' does not exist for field 'key'."),
        ("id in (1)", "A value with ID '1' does not exist for the field 'id'."),
        ("status = Nowhere", "The value 'Nowhere' does not exist for the field 'status'."),
        ("nonsense = 1", "Field 'nonsense' does not exist"),
        ("summary ~ basket", "Expecting operator but got '~'"),
        ("assignee is EMPTY", "Expecting operator but got 'is'"),
        ("project = SHOP AND", "Expecting a field name but got the end of the query."),
        ("project = SHOP PAY", "Expecting either 'OR' or 'AND' but got 'PAY'."),
        ("(project = SHOP", "Expecting ')' but got the end of the query."),
        ("project = 'SHOP", "cannot be read"),
        ("project > SHOP", "The operator '>' is not supported by the 'project' field."),
        ('updated >= "2026-01-01 10:00:00"', "Date value '2026-01-01 10:00:00'"),
        ('updated >= "2026-02-30"', "Date value '2026-02-30'"),
        ("updated >= now()", "Expecting"),
        ("project = SHOP ORDER BY rank", "Not able to sort using field 'rank'."),
        (f"project = SHOP ORDER BY {','.join(['id'] * 8)}", "more than 7 fields"),
        ("", "Unbounded JQL queries are not allowed here."),
        ("ORDER BY updated", "Unbounded JQL queries are not allowed here."),
    ],
)
def test_what_is_unknown_is_refused_and_never_matches_all(
    jira: Client, jql: str, message: str
) -> None:
    assert message in jira.refusal(jql)


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(JqlError, match="nested too deeply"):
        parse("(" * 5_000 + "id = 1" + ")" * 5_000)


@pytest.mark.parametrize(
    "order",
    [
        "updated ASC, id ASC",
        "updated DESC, key ASC",
        "created",
        "created DESC, id DESC",
        "key",
        "key DESC",
        "id DESC",
    ],
)
def test_every_order_gives_the_same_on_pages_as_at_once(jira: Client, order: str) -> None:
    jql = f"project in (SHOP, OPS) ORDER BY {order}"
    at_once = jira.keys(jql)
    paged = [issue["key"] for issue in jira.all(jql, fields=["key"], maxResults=7)]
    assert paged == at_once
    rows = {row["key"]: row for row in jira.rows("work_items")}
    first, *descending = order.split(",")[0].split()
    value: dict[str, Callable[[str], object]] = {
        "updated": lambda key: rows[key]["updated_at"],
        "created": lambda key: rows[key]["created_at"],
        "id": lambda key: int(rows[key]["source_id"]),
        "key": lambda key: (key.split("-")[0], int(key.split("-")[1])),
    }
    values = [value[first](key) for key in at_once]
    assert values == sorted(values, reverse=descending == ["DESC"])  # type: ignore[type-var]
