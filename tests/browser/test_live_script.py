"""live.js by itself, on a server that is made up: one socket a page, no gap, and it says how."""

from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

SCRIPT: Final = Path(__file__).resolve().parents[2] / "static" / "etl" / "live.js"
SERVER: Final = """() => {
window.sockets = [];
window.polls = [];
window.answer = { status: 200, state: { open: 7, version: 9 } };
window.WebSocket = class {
  static OPEN = 1;
  constructor(address) {
    this.address = address;
    this.readyState = 1;
    this.sent = [];
    window.sockets.push(this);
  }
  send(text) { this.sent.push(JSON.parse(text)); }
  close(code) { this.readyState = 3; }
  say(message) { this.onmessage({ data: JSON.stringify(message) }); }
  end(code) { this.readyState = 3; this.onclose({ code }); }
};
window.fetch = async (address) => {
  window.polls.push(address);
  const { status, state } = window.answer;
  if (status === 0) throw new TypeError("no answer");
  return { ok: status === 200, status, json: async () => state };
};
window.shown = [];
window.modes = [];
window.begin = (topic) => window.EtlLive.watch(topic, {
  show: (state) => window.shown.push(state),
  mode: (mode, text) => window.modes.push(mode),
});
window.now = () => window.sockets[window.sockets.length - 1];
window.hello = (more) => window.now().say({
  type: "hello", protocol: 1, heartbeat_seconds: 15, authenticated: true, live: true, ...more,
});
window.snapshot = (seq, state) => window.now().say({
  type: "snapshot", topic: "run:1", seq, state,
});
window.delta = (base, seq, more) => window.now().say({
  type: "delta", topic: "run:1", base, seq, set: {}, ...more,
});
}"""


@pytest.fixture
def live(page: Page) -> Page:
    """A page of nothing but live.js, whose clock stands."""
    page.clock.install(time=0)
    page.goto("about:blank")
    page.clock.pause_at(60_000)
    page.evaluate(SERVER)
    page.add_script_tag(path=SCRIPT)
    return page


def enter(page: Page) -> None:
    """Watch run 1 and have a snapshot of it."""
    page.evaluate("begin('run:1'); hello()")
    page.evaluate("snapshot(3, { open: 2, rows: 5, log: ['a', 'b'], version: 1 })")


def last(page: Page, name: str) -> Any:
    """Return the last of what the page noted."""
    return page.evaluate(f"{name}[{name}.length - 1]")


def sent(page: Page) -> Any:
    """Return what the newest socket was sent."""
    return page.evaluate("now().sent")


def test_all_that_watch_share_one_socket_and_a_topic_is_asked_for_once(live: Page) -> None:
    enter(live)
    live.evaluate("begin('run:1'); begin('job:2')")
    assert live.evaluate("sockets.length") == 1
    assert [(each["type"], each["topic"]) for each in sent(live)] == [
        ("subscribe", "run:1"),
        ("subscribe", "job:2"),
    ]
    assert live.evaluate("shown.length") == 2  # who comes later has the state at once


def test_deltas_are_merged_into_the_state(live: Page) -> None:
    enter(live)
    live.evaluate("delta(3, 4, { set: { open: 1 }, log: { dropped: 1, added: ['c'] } })")
    assert last(live, "shown") == {"open": 1, "rows": 5, "log": ["b", "c"], "version": 1}
    assert live.evaluate("modes") == ["connecting", "live"]


def test_cards_are_merged_by_their_id_and_order(live: Page) -> None:
    live.evaluate("begin('job:2'); hello()")
    live.evaluate(
        "now().say({ type: 'snapshot', topic: 'job:2', seq: 8,"
        " state: { runs: [{ id: 2, rows: 1 }, { id: 1, rows: 1 }] } })"
    )
    live.evaluate(
        "now().say({ type: 'delta', topic: 'job:2', base: 8, seq: 9, set: {},"
        " runs: { order: [3, 2], changed: [{ id: 3, rows: 0 }, { id: 2, rows: 4 }] } })"
    )
    assert last(live, "shown") == {"runs": [{"id": 3, "rows": 0}, {"id": 2, "rows": 4}]}


def test_after_a_gap_nothing_is_merged_until_the_snapshot_that_is_asked_for(live: Page) -> None:
    enter(live)
    live.evaluate("delta(4, 5, { set: { open: 0 } }); delta(5, 6, { set: { open: 9 } })")
    assert last(live, "shown")["open"] == 2
    assert [each["type"] for each in sent(live)] == ["subscribe", "resync"]
    live.evaluate("snapshot(6, { open: 9 }); delta(6, 7, { set: { open: 8 } })")
    assert last(live, "shown") == {"open": 8}


def test_a_delta_that_came_already_changes_nothing(live: Page) -> None:
    enter(live)
    live.evaluate("delta(1, 2, { set: { open: 9 } })")
    assert last(live, "shown")["open"] == 2
    assert [each["type"] for each in sent(live)] == ["subscribe"]


def test_a_heartbeat_is_answered_and_a_socket_that_is_silent_is_made_anew(live: Page) -> None:
    enter(live)
    live.evaluate("now().say({ type: 'ping' })")
    assert sent(live)[-1] == {"type": "pong"}
    live.clock.run_for(30_000)
    live.evaluate("now().say({ type: 'ping' })")
    live.clock.run_for(30_000)
    assert live.evaluate("sockets.length") == 1
    live.clock.run_for(8_500)
    assert live.evaluate("sockets.length") == 2
    live.evaluate("hello()")
    assert [each["type"] for each in sent(live)] == ["subscribe"]


def test_without_a_socket_it_polls_says_so_and_is_live_again_with_one(live: Page) -> None:
    enter(live)
    live.evaluate("now().end(1006)")
    assert last(live, "modes") == "connecting"
    live.clock.run_for(600)
    live.evaluate("now().end(1006)")
    assert last(live, "modes") == "polling"
    live.wait_for_function("shown[shown.length - 1].open === 7")
    assert live.evaluate("polls[0]") == "/live/run/1/"
    live.clock.run_for(4_100)
    assert live.evaluate("polls.length") == 3
    live.evaluate("hello(); snapshot(20, { open: 0, version: 10 })")
    assert last(live, "modes") == "live"
    live.clock.run_for(10_000)
    assert live.evaluate("polls.length") == 3
    assert last(live, "shown")["open"] == 0


@pytest.mark.parametrize(("random", "share"), [(0, 0.5), (1, 1.0)])
def test_it_tries_again_less_and_less_often(live: Page, random: int, share: float) -> None:
    live.evaluate(f"Math.random = () => {random}")
    enter(live)
    for seconds in (0.5, 1, 2, 4, 8, 15, 15):
        before = live.evaluate("sockets.length")
        live.evaluate("now().end(1006)")
        live.clock.run_for(int(1000 * share * seconds) - 10)
        assert live.evaluate("sockets.length") == before
        live.clock.run_for(20)
        assert live.evaluate("sockets.length") == before + 1


def test_while_events_do_not_come_through_it_polls_beside_the_socket(live: Page) -> None:
    enter(live)
    live.evaluate("now().say({ type: 'not_live' })")
    assert last(live, "modes") == "polling"
    live.wait_for_function("polls.length === 1")
    live.evaluate("now().say({ type: 'live' }); snapshot(9, { open: 0, version: 10 })")
    assert last(live, "modes") == "live"
    live.clock.run_for(10_000)
    assert live.evaluate("polls.length") == 1


def test_a_server_that_does_not_answer_either_is_told_of(live: Page) -> None:
    live.evaluate("answer = { status: 0 }; texts = []")
    live.evaluate(
        "EtlLive.watch('run:1', { show() {}, mode: (mode, text) => texts.push(text) });"
        " hello({ live: false }); snapshot(1, { open: 1 })"
    )
    live.wait_for_function("/does not answer/.test(texts[texts.length - 1])")
    live.evaluate("answer = { status: 200, state: { open: 3 } }")
    live.clock.run_for(2_100)
    live.wait_for_function("/refreshed every 2 seconds/.test(texts[texts.length - 1])")


@pytest.mark.parametrize(
    "loss",
    [
        "now().end(4401)",
        "now().end(4404)",
        "now().say({ type: 'error', code: 'not_found', topic: 'run:1', text: '' })",
        "answer = { status: 404 }; now().say({ type: 'not_live' })",
    ],
)
def test_a_lost_right_is_told_and_nothing_is_asked_any_more(live: Page, loss: str) -> None:
    enter(live)
    live.evaluate(loss)
    live.wait_for_function("modes[modes.length - 1] === 'lost'")
    asked = live.evaluate("polls.length")
    live.clock.run_for(60_000)
    assert live.evaluate("polls.length") == asked
    assert last(live, "modes") == "lost"


def test_who_is_not_signed_in_any_more_has_lost_it(live: Page) -> None:
    live.evaluate("begin('run:1'); hello({ authenticated: false })")
    assert last(live, "modes") == "lost"
    live.clock.run_for(60_000)
    assert live.evaluate("sockets.length") == 1


def test_who_stops_is_shown_nothing_more_and_the_last_one_ends_the_socket(live: Page) -> None:
    enter(live)
    live.evaluate("window.other = begin('job:2'); other.stop()")
    assert sent(live)[-1] == {"type": "unsubscribe", "topic": "job:2"}
    live.evaluate("window.third = begin('run:1'); third.stop()")
    assert live.evaluate("now().readyState") == 1
    live.evaluate("window.watching = begin('job:3'); watching.stop()")
    live.evaluate("delta(3, 4, { set: { open: 1 } })")
    assert last(live, "shown")["open"] == 1


def test_a_page_that_fails_on_a_state_keeps_no_other_from_it(live: Page) -> None:
    live.on("pageerror", lambda error: None)
    live.evaluate("EtlLive.watch('run:1', { show() { throw new Error('of the page') } })")
    enter(live)
    assert last(live, "shown")["open"] == 2
