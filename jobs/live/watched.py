"""A topic that is watched in this process: its state, kept once, and what its sockets are sent."""

import asyncio
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone

from jobs.live import deltas
from jobs.live.cards import MOST, RECENT
from jobs.live.messages import encoded
from jobs.live.topics import Reading, Topic

if TYPE_CHECKING:
    from jobs.live.socket import Socket

EVENT_SECONDS: Final = 0.25
"""No run is told of more often."""
CROWD: Final = 100
CROWD_SECONDS: Final = 1.0
"""To more than a CROWD in this process a run is told of no more often than this."""
CARDS_SECONDS: Final = 1.0
DOUBT_SECONDS: Final = 2.0
"""For so long after a reading an event may be older than what was read."""


class Watched:
    """What is known of a topic, and what was sent of it.

    `shown` is what all sockets have by now, under the number `seq`; `newest` is what they get
    next. Events that come meanwhile are merged, so nothing is lost by being late.
    """

    def __init__(self, topic: Topic, tenant_id: int, reading: Reading) -> None:
        self.topic = topic
        self.tenant_id = tenant_id
        self.sockets: set[Socket] = set()
        self.seqs = dict(reading.seqs)
        self.newest = reading.state
        self.shown = reading.state
        self.seq = reading.seqs.get(topic.key, 0) if topic.kind == "run" else _first_seq()
        self.read_at = self.heard_at = time.monotonic()
        self._sent_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._snapshot: str | None = None

    @property
    def may_change(self) -> bool:
        """Whether a run of it goes on."""
        shown = self.newest.get("runs", [self.newest])
        return any(not each["is_finished"] for each in shown)

    def snapshot(self) -> str:
        """Return what a socket that begins is sent; made once for all of them."""
        if self._snapshot is None:
            self._snapshot = encoded(
                {
                    "type": "snapshot",
                    "topic": self.topic.name,
                    "seq": self.seq,
                    "state": self.shown,
                }
            )
        return self._snapshot

    def heard(self, event: dict[str, Any]) -> None:
        """Take in an event of the publisher: the progress of the run, or the card of one."""
        run_id, seq = event["run"], event["seq"]
        if seq <= self.seqs.get(run_id, -1):
            return
        self.seqs[run_id] = seq
        self.heard_at = time.monotonic()
        if self.topic.kind == "run":
            if self._is_older_than_read(event["progress"]):
                return
            self.newest = event["progress"]
            self._send_soon(at_once=False)
        else:
            known = {card["id"]: card for card in self.newest["runs"]}
            before = known.get(run_id)
            known[run_id] = event["card"]
            self.newest = {"runs": _newest(known)}
            self._send_soon(
                at_once=before is None or before["is_finished"] != event["card"]["is_finished"]
            )

    def read_again(self, reading: Reading) -> None:
        """Take in what was read because events were missed."""
        behind = {key: max(seq, self.seqs.get(key, 0)) for key, seq in reading.seqs.items()}
        self.seqs.update(behind)
        self.newest = reading.state
        self.read_at = self.heard_at = time.monotonic()
        self._send_soon(at_once=False)

    def begin_anew(self) -> None:
        """Send everybody the whole: they have polled meanwhile."""
        self._show()
        for socket in self.sockets:
            socket.say(self.snapshot())

    def forget_old_cards(self) -> None:
        """Leave out the runs that ended a while ago."""
        if self.topic.kind == "run":
            return
        kept = _newest({card["id"]: card for card in self.newest["runs"]})
        if len(kept) != len(self.newest["runs"]):
            self.newest = {"runs": kept}
            self._send_soon(at_once=False)

    def stop(self) -> None:
        """Send nothing that was put off."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _is_older_than_read(self, progress: dict[str, Any]) -> bool:
        is_in_doubt = time.monotonic() - self.read_at < DOUBT_SECONDS
        return is_in_doubt and progress["version"] < self.newest["version"]

    def _interval(self) -> float:
        if self.topic.kind != "run":
            return CARDS_SECONDS
        return CROWD_SECONDS if len(self.sockets) > CROWD else EVENT_SECONDS

    def _send_soon(self, *, at_once: bool) -> None:
        wait = 0.0 if at_once else self._sent_at + self._interval() - time.monotonic()
        if wait <= 0:
            self._send()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(wait, self._send)

    def _send(self) -> None:
        delta = deltas.between(self.shown, self.newest)
        if delta is None:
            self.stop()
            return
        base = self.seq
        self._show()
        self._sent_at = time.monotonic()
        text = encoded(
            {"type": "delta", "topic": self.topic.name, "seq": self.seq, "base": base, **delta}
        )
        for socket in self.sockets:
            socket.say(text)

    def _show(self) -> None:
        self.stop()
        self.shown, self._snapshot = self.newest, None
        # What was read anew may be news of its own, under the number of an event sent before.
        event = self.seqs.get(self.topic.key, 0) if self.topic.kind == "run" else 0
        self.seq = max(event, self.seq + 1)


def _newest(cards: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
    since = timezone.now() - RECENT
    kept = [
        cards[key]
        for key in sorted(cards, reverse=True)
        if not (ended := cards[key]["finished_at"]) or datetime.fromisoformat(ended) > since
    ]
    return kept[:MOST]


def _first_seq() -> int:
    """Return a number that is greater than those of any process before this one."""
    return int(time.time() * 1000)
