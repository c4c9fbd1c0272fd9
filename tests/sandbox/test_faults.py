"""Scripted failures as a client meets them: of the answer in process, of the wire over a socket."""

import asyncio
import gzip
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any
from urllib.parse import urlsplit

import pytest

from sandbox.faults import KINDS
from sandbox.generate.world import World
from sandbox.organisation import Organisation
from sandbox.server import Server, bound
from tests.sandbox.jira_client import Client

ALL = "created >= 0 ORDER BY id ASC"


def _fault(jira: Client, kind: str, value: Any = None, **more: Any) -> None:
    jira.control("faults", rules=[{"kind": kind, "value": value, **more}])


def test_a_fault_strikes_the_requests_that_its_rule_names(jira: Client) -> None:
    _fault(jira, "status", 503, match="GET /jira/.*/myself", skip=1, times=2)
    assert [jira.get("/myself").status_code for _ in range(5)] == [200, 503, 503, 200, 200]
    assert jira.get("/project").status_code == 200
    _fault(jira, "unauthorized", match="project", times=None)
    assert {jira.get("/project").status_code for _ in range(4)} == {401}
    jira.control("faults", clear=True)
    assert jira.get("/project").status_code == 200


def test_a_fault_strikes_what_is_counted_as_its_rule_says(jira: Client) -> None:
    _fault(jira, "status", 503, of="metadata", times=None)
    assert jira.get("/myself").status_code == 200
    assert jira.get("/project").status_code == 503


def test_a_status_has_the_headers_and_the_body_that_are_given(jira: Client) -> None:
    value = {"status": 403, "headers": {"X-RateLimit-Remaining": "0"}, "body": {"message": "no"}}
    _fault(jira, "status", value)
    answer = jira.get("/myself")
    assert (answer.status_code, answer.json()) == (403, {"message": "no"})
    assert answer.headers["x-ratelimit-remaining"] == "0"


def test_a_login_page_and_nothing_come_with_200(jira: Client) -> None:
    _fault(jira, "html")
    answer = jira.get("/myself")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<form" in answer.text
    _fault(jira, "empty")
    answer = jira.get("/myself")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    "value", ["999999999", "-1", "soon", "Mon, 01 Jan 2001 00:00:00 GMT", None]
)
def test_retry_after_is_whatever_is_wanted(jira: Client, value: str | None) -> None:
    _fault(jira, "retry_after", value)
    answer = jira.get("/myself")
    assert (answer.status_code, answer.headers.get("retry-after")) == (429, value)


def test_truncated_json_has_the_length_that_it_announces(jira: Client) -> None:
    whole = jira.get("/myself").content
    _fault(jira, "truncated")
    answer = jira.get("/myself")
    assert int(answer.headers["content-length"]) == len(answer.content) == len(whole) // 2
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_a_repeated_token_leads_to_the_first_page_for_ever(jira: Client) -> None:
    _fault(jira, "repeat_token", match="search/jql", times=None)
    first = jira.search(ALL, maxResults=5)
    again = jira.search(ALL, maxResults=5, nextPageToken=first["nextPageToken"])
    assert again == first
    assert first["isLast"] is False


def test_tokens_go_round_in_a_circle(jira: Client) -> None:
    _fault(jira, "cycle_tokens", match="search/jql", times=None)
    tokens = []
    named: dict[str, str] = {}
    for _ in range(4):
        page = jira.search(ALL, maxResults=5, **named)
        named = {"nextPageToken": page["nextPageToken"]}
        tokens.append(page["nextPageToken"])
    assert tokens[0] == tokens[2] != tokens[1] == tokens[3]


def test_numbered_pages_stand_still_or_shrink(jira: Client) -> None:
    _fault(jira, "stuck_start", match="project/search")
    page = jira.get("/project/search", startAt=2).json()
    assert (page["startAt"], page["isLast"]) == (0, False)
    _fault(jira, "shrink_total", 2, match="project/search")
    assert jira.get("/project/search").json()["total"] == 1


def test_rows_that_stand_still_may_say_that_they_get_on(jira: Client) -> None:
    first = jira.get("/project/search").json()
    _fault(jira, "stuck_start", "echo", match="project/search")
    page = jira.get("/project/search", startAt=2).json()
    assert (page["startAt"], page["isLast"]) == (2, False)
    assert page["values"] == first["values"]


def test_a_link_leads_to_ever_more_pages_of_the_same(jira: Client) -> None:
    _fault(jira, "stuck_start", match="myself")
    assert '/myself?&page=8>; rel="next"' in jira.get("/myself", page=7).headers["link"]


def test_tokens_lead_to_ever_more_pages_of_the_same(jira: Client) -> None:
    _fault(jira, "endless_tokens", match="search/jql", times=None)
    first = jira.search(ALL, maxResults=5)
    second = jira.search(ALL, maxResults=5, nextPageToken=first["nextPageToken"])
    assert second["issues"] == first["issues"]
    assert second["nextPageToken"] != first["nextPageToken"]


def test_one_value_of_a_page_is_poisoned(jira: Client) -> None:
    path = ["issues", 0, "fields", "summary"]
    _fault(jira, "poison", {"path": path, "value": [1, 2]}, match="search/jql")
    assert jira.search(ALL, fields=["summary"])["issues"][0]["fields"]["summary"] == [1, 2]


def test_a_text_that_is_no_json_is_spliced_into_a_page(jira: Client) -> None:
    path = ["issues", {"id": jira.search(ALL, maxResults=1)["issues"][0]["id"]}, "id"]
    _fault(jira, "splice", {"path": path, "text": "[", "times": 3}, match="search/jql")
    answer = jira.post("/search/jql", jql=ALL, maxResults=1)
    assert b'"id": [[[' in answer.content


def test_a_link_leads_to_another_host(jira: Client) -> None:
    _fault(jira, "other_host", match="project/search")
    answer = jira.get("/project/search", maxResults=1)
    assert answer.headers["link"].startswith("<http://elsewhere.example/")
    assert answer.json()["nextPage"].startswith("http://elsewhere.example/")


def test_a_body_echoes_the_credential(jira: Client) -> None:
    token = next(jira.organisation.accounts.tokens("jira", "api", "full")).value
    _fault(jira, "echo_authorization")
    answer = jira.get("/myself")
    assert answer.status_code == 400
    assert token in answer.text
    assert "Basic " in answer.text


@pytest.mark.parametrize("name", ["nul", "nan", "deep", "many_digits", "utf16", "array", "latin1"])
def test_hostile_bodies_come_as_they_are(jira: Client, name: str) -> None:
    from sandbox.faults.answers import HOSTILE

    _fault(jira, "hostile", name)
    assert jira.get("/myself").content == HOSTILE[name]


def test_a_fault_that_is_none_is_refused(jira: Client) -> None:
    for rule in ({"kind": "nonsense"}, {"kind": "html", "match": "("}, {"kind": "html", "x": 1}):
        answer = jira.http.post("/control/faults", json={"rules": [rule]})
        assert answer.status_code == 400, rule


class Wire:
    """A served sandbox, asked byte by byte."""

    def __init__(self, server: Server, base: str) -> None:
        self.organisation = server.organisation
        self.place = urlsplit(base)

    def fault(self, kind: str, value: Any = None, match: str = "serverInfo") -> None:
        """Let every request of serverInfo fail in this way."""
        self.organisation.faults.rules.clear()
        self.organisation.faults.add({"kind": kind, "value": value, "match": match, "times": None})

    def asked(self) -> socket.socket:
        """Send a request; return its connection."""
        assert self.place.hostname and self.place.port
        connection = socket.create_connection((self.place.hostname, self.place.port), 10)
        connection.sendall(
            b"GET /jira/rest/api/3/serverInfo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        return connection

    def answer(self, most: int = 1 << 22) -> tuple[bytes, bytes]:
        """Return head and body as they come until the end; raise ConnectionResetError."""
        with self.asked() as connection:
            received = b""
            while len(received) < most and (chunk := connection.recv(1 << 16)):
                received += chunk
        head, _, body = received.partition(b"\r\n\r\n")
        return head.lower(), body


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    """A sandbox behind a real socket."""
    listening = bound("127.0.0.1", 0)
    server = Server(Organisation(World(items=10, shape="v3")))
    base: Future[str] = Future()
    thread = threading.Thread(
        target=lambda: asyncio.run(server.run_on(listening, base.set_result)), daemon=True
    )
    thread.start()
    yield Wire(server, base.result(20))
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive()
    listening.close()


def test_a_length_that_lies_ends_before_it(wire: Wire) -> None:
    wire.fault("short_body")
    head, body = wire.answer()
    announced = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
    assert 0 < len(body) < announced


def test_a_reset_is_a_reset(wire: Wire) -> None:
    wire.fault("reset")
    with pytest.raises(ConnectionResetError):
        wire.answer()


def test_a_bomb_unpacks_to_a_thousand_times_its_size(wire: Wire) -> None:
    wire.fault("gzip_bomb", 64 << 20)
    head, body = wire.answer()
    assert b"content-encoding: gzip" in head
    packed = b"".join(_chunks(body))
    assert len(packed) < 100_000
    assert len(gzip.decompress(packed)) == (64 << 20) + 2


def _chunks(body: bytes) -> Iterator[bytes]:
    """Yield the parts of a chunked body."""
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            return
        yield rest[:length]
        body = rest[length + 2 :]


def test_a_redirect_has_a_bomb_for_a_body(wire: Wire) -> None:
    wire.fault("redirect", "http://127.0.0.1:1/")
    head, body = wire.answer(most=200_000)
    assert head.startswith(b"http/1.1 302")
    assert b"location: http://127.0.0.1:1/" in head
    assert len(body) > 50_000


def test_headers_come_by_the_ten_thousand(wire: Wire) -> None:
    wire.fault("many_headers")
    head, body = wire.answer()
    assert head.count(b"\r\nx-noise-") == 10_000
    assert body == b"{}"


def test_a_drip_gives_a_byte_at_a_time(wire: Wire) -> None:
    wire.fault("drip", 0.001)
    with wire.asked() as connection:
        sizes = []
        while chunk := connection.recv(1 << 16):
            sizes.append(len(chunk))
    assert len(sizes) > 50


def test_a_stall_says_nothing_and_ends_when_the_client_leaves(wire: Wire) -> None:
    wire.fault("stall", 3_600)
    with wire.asked() as connection:
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_every_kind_of_fault_has_a_test() -> None:
    from pathlib import Path

    text = Path(__file__).read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f'"{kind}"' not in text] == []
