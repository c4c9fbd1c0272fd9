"""What clients merge is what the hub has: deltas in a chain, merged when late, never older."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.live import watched as watching
from jobs.live.cards import RunCard
from jobs.live.deltas import between
from jobs.live.topics import Reading, Topic, parse, read
from jobs.live.watched import Watched
from jobs.models import Stage
from jobs.progress import RunProgress
from tests.jobs.progress_world import make_run, make_step
from tests.jobs.socket_client import applied

ROOT = Path(__file__).resolve().parents[2]
COUNTS = st.dictionaries(st.sampled_from(["open", "rows", "stages"]), st.integers(0, 3))
LINES = st.lists(st.sampled_from("abc"), max_size=6)


@st.composite
def run_states(draw: st.DrawFn) -> dict[str, Any]:
    counts = {"open": 0, "rows": 0, "stages": 0, **draw(COUNTS)}
    return {**counts, "version": 0.0, "is_finished": False, "log": draw(LINES)}


@st.composite
def card_states(draw: st.DrawFn) -> dict[str, Any]:
    keys = draw(st.lists(st.integers(1, 6), unique=True, max_size=5))
    return {"runs": [{"id": key, "rows": draw(st.integers(0, 3))} for key in keys]}


@given(run_states(), run_states())
def test_a_state_with_its_delta_is_the_next_state(old: dict[str, Any], new: dict[str, Any]) -> None:
    delta = between(old, new)
    assert (old if delta is None else applied(old, delta)) == new


@given(card_states(), card_states())
def test_cards_with_their_delta_are_the_next_cards(
    old: dict[str, Any], new: dict[str, Any]
) -> None:
    delta = between(old, new)
    assert (old if delta is None else applied(old, delta)) == new


def test_a_delta_has_what_changed_and_nothing_else() -> None:
    old = {"open": 2, "rows": 5, "version": 1.0, "log": ["a", "b", "c"]}
    new = {"open": 1, "rows": 5, "version": 2.0, "log": ["b", "c", "d"]}
    assert between(old, new) == {
        "set": {"open": 1, "version": 2.0},
        "log": {"dropped": 1, "added": ["d"]},
    }


def test_clocks_alone_are_no_news() -> None:
    old = {"open": 2, "version": 1.0, "seconds": 3.0, "rate": 7.0, "seconds_left": 1.0}
    assert between(old, {**old, "version": 2.0, "seconds": 4.0, "rate": 5.0}) is None


@pytest.mark.parametrize(
    "name", ["", "run", "run:", "run:0", "run:01", "run:-1", "run:1 ", "RUN:1", "run:٣", 1, None]
)
def test_what_is_no_name_of_a_topic_is_none(name: object) -> None:
    assert parse(name) is None
    assert parse("run:12") == Topic("run", 12)


def test_the_document_names_every_member_of_the_states() -> None:
    text = (ROOT / "docs" / "websocket.md").read_text()
    state, _, cards = text.partition("## The state of a run")[2].partition("## The state of a job")
    named = set(re.findall(r"`(\w+)`", state))
    assert RunProgress.__required_keys__ - {"type"} <= named
    named = set(re.findall(r"`(\w+)`", cards.partition("##")[0]))
    assert RunCard.__required_keys__ <= named


def test_a_card_takes_few_queries(
    transactional_db: None, django_assert_max_num_queries: Any
) -> None:
    run = make_run("acme")
    for key in range(30):
        make_step(run, f"dead {key}", Stage.TRANSFORM, "dead", error="it cannot be done")
    with django_assert_max_num_queries(5):
        reading = read(Topic("tenant", run.tenant_id), run.tenant_id)
    assert reading is not None
    assert [card["dead"] for card in reading.state["runs"]] == [30]


class Client:
    """A socket that merges what it is sent, and complains of every gap."""

    def __init__(self, of: Watched) -> None:
        self.state: Any = None
        self.seq = -1
        self.deltas = 0
        of.sockets.add(self)  # type: ignore[arg-type]
        self.say(of.snapshot())

    def say(self, text: str) -> None:
        told = json.loads(text)
        if told["type"] == "snapshot":
            assert told["seq"] >= self.seq
            self.state = told["state"]
        else:
            assert told["base"] == self.seq < told["seq"]
            self.deltas += 1
            self.state = applied(self.state, told)
        self.seq = told["seq"]


def state(**values: Any) -> dict[str, Any]:
    """The state of a run."""
    return {"open": 0, "version": 0.0, "is_finished": False, "log": [], **values}


def event(seq: int, **values: Any) -> dict[str, Any]:
    """An event of run 1."""
    return {"run": 1, "seq": seq, "progress": state(**values)}


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("event"), st.integers(0, 4), st.floats(0, 9)),
        st.tuples(st.just("read"), st.integers(0, 4), st.floats(0, 9)),
        st.tuples(st.sampled_from(["join", "wait", "anew"]), st.just(0), st.just(0.0)),
    ),
    max_size=20,
)


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_whatever_comes_in_whatever_order_all_clients_end_with_the_same_without_a_gap(
    steps: list[tuple[str, int, float]],
) -> None:
    async def story() -> None:
        of = Watched(Topic("run", 1), 1, Reading(state(), {1: 0}))
        clients, seq = [Client(of)], 0
        for what, number, version in steps:
            if what == "event":
                seq += 1
                of.heard(event(seq, open=number, version=version))
            elif what == "read":
                of.read_again(Reading(state(open=number, version=version), {1: seq}))
            elif what == "join":
                clients.append(Client(of))
            elif what == "anew":
                of.begin_anew()
            else:
                await asyncio.sleep(0)
        of._send()
        for client in clients:
            assert client.state["open"] == of.newest["open"]
            assert client.seq == of.seq

    before = watching.EVENT_SECONDS
    watching.EVENT_SECONDS = 0.0005  # type: ignore[misc]
    try:
        asyncio.run(story())
    finally:
        watching.EVENT_SECONDS = before  # type: ignore[misc]


def told(*events: dict[str, Any], clients: int = 1) -> list[Client]:
    """Have clients watch while these events come at once, and the time after that pass."""

    async def story() -> list[Client]:
        of = Watched(Topic("run", 1), 1, Reading(state(), {1: 0}))
        watchers = [Client(of) for _ in range(clients)]
        for each in events:
            of.heard(each)
        while of.shown is not of.newest:
            assert of._timer is not None
            await asyncio.sleep(0.001)
        return watchers

    return asyncio.run(story())


def test_events_that_come_too_fast_are_merged_and_nothing_of_them_is_lost() -> None:
    events = [event(n, open=n, log=[str(n)], version=float(n)) for n in range(1, 9)]
    (client,) = told(*events)
    assert client.deltas == 2  # the first at once, the others together
    assert client.state == events[-1]["progress"]


@pytest.mark.parametrize(("clients", "deltas"), [(3, 3), (4, 2)])
def test_a_crowd_is_told_less_often(
    monkeypatch: pytest.MonkeyPatch, clients: int, deltas: int
) -> None:
    monkeypatch.setattr(watching, "CROWD", 3)
    monkeypatch.setattr(watching, "EVENT_SECONDS", 0.0)
    monkeypatch.setattr(watching, "CROWD_SECONDS", 0.05)
    crowd = told(*[event(n, open=n, version=float(n)) for n in (1, 2, 3)], clients=clients)
    assert [client.deltas for client in crowd] == [deltas] * clients
    assert all(client.state["open"] == 3 for client in crowd)


def test_an_event_of_before_the_snapshot_does_not_take_counts_back() -> None:
    async def story() -> None:
        of = Watched(Topic("run", 1), 1, Reading(state(open=5, version=10.0), {1: 3}))
        client = Client(of)
        of.heard(event(4, open=4, version=9.9))
        assert client.state["open"] == 5
        of.heard(event(4, open=6, version=10.5))  # of a number that came
        assert client.state["open"] == 5
        of.heard(event(5, open=6, version=10.5))
        assert client.state["open"] == 6

    asyncio.run(story())


def test_the_start_and_the_end_of_a_run_are_told_at_once_and_its_counts_once_a_second() -> None:
    def card(key: int, seq: int, **values: Any) -> dict[str, Any]:
        made = {"id": key, "is_finished": False, "finished_at": None, "rows": 0, **values}
        return {"run": key, "seq": seq, "card": made}

    async def story() -> None:
        of = Watched(Topic("tenant", 1), 1, Reading({"runs": []}, {}))
        client = Client(of)
        of.heard(card(7, 1))
        assert [each["id"] for each in client.state["runs"]] == [7]
        of.heard(card(7, 2, rows=5))
        assert client.state["runs"][0]["rows"] == 0
        of.heard(card(7, 3, rows=9, is_finished=True, finished_at="2999-01-01T00:00:00+00:00"))
        assert client.state["runs"][0]["rows"] == 9
        of.heard(card(8, 1))
        assert [each["id"] for each in client.state["runs"]] == [8, 7]

    asyncio.run(story())


def test_a_run_that_ended_a_while_ago_is_no_longer_among_the_cards() -> None:
    async def story() -> None:
        old = {"id": 7, "is_finished": True, "finished_at": "2020-01-01T00:00:00+00:00"}
        new = {"id": 8, "is_finished": True, "finished_at": "2999-01-01T00:00:00+00:00"}
        of = Watched(Topic("job", 1), 1, Reading({"runs": [new, old]}, {}))
        client = Client(of)
        of.forget_old_cards()
        assert client.state["runs"] == [new]

    asyncio.run(story())
