"""A site: what is sent, what comes back, and what is kept out of both."""

import base64
import gzip
import json
import logging
import os
import re
import socket
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.errors import PermanentError, TransientError, UsageError, WaitError
from tests.common.sites import cut, site_at
from tests.wire import always, answer, listening

TOKEN = "s3cret/token+value"


# ---- what is sent, what comes back


def test_a_path_is_joined_to_the_address_and_parameters_are_encoded() -> None:
    with listening(always(answer(b'{"a": 1}', headers=("X-Once: 1", "X-Two: a", "X-Two: b")))) as w:
        got = site_at(w.url + "/jira/", headers={"Authorization": "Bearer abc"}).get(
            "/rest/api", {"jql": "a = b&c", "startAt": 0}
        )
    head = w.requests[0].decode().lower()
    assert head.startswith("get /jira/rest/api?jql=a+%3d+b%26c&startat=0 http/1.1\r\n")
    assert "authorization: bearer abc\r\n" in head
    assert "user-agent: etl/" in head
    assert "accept: application/json\r\n" in head
    assert (got.method, got.status, got.body, got.request_body) == ("GET", 200, b'{"a": 1}', "")
    assert got.url == f"{w.url}/jira/rest/api?jql=a+%3D+b%26c&startAt=0"
    assert got.media_type == "application/json"
    assert got.headers["x-once"] == "1"
    assert got.headers["x-two"] == "a, b"
    assert abs(got.fetched_at - datetime.now(UTC)) < timedelta(seconds=30)


def test_an_empty_path_is_the_address_itself() -> None:
    with listening(always(answer())) as wire:
        site = site_at(f"{wire.url}/graphql")
        assert site.post("", {}).url == f"{wire.url}/graphql"
        assert site.get("", {"a": 1}).url == f"{wire.url}/graphql?a=1"


def test_an_ipv6_address_is_reached() -> None:
    with listening(always(answer(b"six")), host="::1") as wire:
        assert site_at(wire.url).get("a").body == b"six"
    assert f"host: {wire.url.removeprefix('http://')}\r\n".encode() in wire.requests[0].lower()


def test_parameters_are_added_to_those_a_path_has() -> None:
    with listening(always(answer())) as wire:
        assert site_at(wire.url).get("a?b=1", {"c": 2}).url == f"{wire.url}/a?b=1&c=2"


def test_a_payload_is_posted_as_json() -> None:
    with listening(always(answer(status="404 Not Found"))) as wire:
        got = site_at(wire.url).post("rest/search", {"jql": "ä"})
    head, _, body = wire.requests[0].partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head.lower()
    assert json.loads(body) == {"jql": "ä"}
    assert (got.method, got.status, got.request_body) == ("POST", 404, body.decode())


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b'{"a": 1}')),
        ("GZIP", gzip.compress(b'{"a"') + gzip.compress(b"") + gzip.compress(b": 1}")),
        ("x-gzip", gzip.compress(b'{"a": 1}')),
        ("identity", b'{"a": 1}'),
    ],
    ids=["gzip", "members of gzip", "an older name of gzip", "identity"],
)
def test_a_body_is_given_decoded(encoding: str, body: bytes) -> None:
    with listening(always(answer(body, headers=(f"Content-Encoding: {encoding}",)))) as wire:
        assert site_at(wire.url).get("a").body == b'{"a": 1}'
    assert b"accept-encoding: gzip\r\n" in wire.requests[0]


def test_an_empty_body_is_empty_whatever_its_encoding() -> None:
    with listening(always(answer(b"", headers=("Content-Encoding: gzip",)))) as wire:
        assert site_at(wire.url).get("a").body == b""


def test_a_chunked_body_is_given_whole() -> None:
    reply = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    with listening(always(reply)) as wire:
        assert site_at(wire.url).get("a").body == b"abcde"


def test_one_connection_serves_requests_one_after_another() -> None:
    with listening(always(answer())) as wire:
        for number in range(3):
            site_at(wire.url).get(f"{number}")
        assert wire.connections == 1


def test_no_cookie_is_kept_for_the_next_integration_at_a_host() -> None:
    with listening(always(answer(headers=("Set-Cookie: JSESSIONID=1; Path=/",)))) as wire:
        site_at(wire.url).get("a")
        site_at(wire.url).get("b")
    assert b"cookie:" not in wire.requests[1].lower()


def test_threads_share_the_pool_and_get_their_own_answers() -> None:
    def echo(connection: socket.socket, request: bytes) -> None:
        connection.sendall(answer(request.split(b" ")[1]))

    got: dict[int, bytes] = {}
    with listening(echo) as wire:
        site = site_at(wire.url)

        def ask(number: int) -> None:
            got[number] = site.get(f"{number}").body

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert got == {number: f"/{number}".encode() for number in range(16)}


def test_a_forked_process_opens_connections_of_its_own() -> None:
    with listening(always(answer())) as wire:
        site = site_at(wire.url)
        site.get("a")
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if site.get("b").status == 200 else 1)
            except BaseException:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        site.get("c")
        assert wire.connections == 2
        assert len(wire.requests) == 3


# ---- addresses that a source names


def test_an_absolute_address_below_the_base_is_taken_as_it_stands() -> None:
    with listening(always(answer())) as wire:
        url = f"{wire.url}/api/v3/repositories/1/pulls?after=Y3Vyc29y%3D%3D&page=2"
        assert site_at(f"{wire.url}/api/v3").get(url).url == url
    assert wire.requests[0].startswith(
        b"GET /api/v3/repositories/1/pulls?after=Y3Vyc29y%3D%3D&page=2 "
    )


@pytest.mark.parametrize(
    "named",
    [
        "http://evil.example.com/api/v3/x",
        "https://127.0.0.1:{port}/api/v3/x",
        "http://127.0.0.1:1/api/v3/x",
        "http://127.0.0.1/api/v3/x",
        "http://127.0.0.2:{port}/api/v3/x",
        "http://evil@127.0.0.1:{port}/api/v3/x",
        "http://127.0.0.1:{port}@evil.example.com/api/v3/x",
        "http://127.0.0.1:{port}/api/v30/x",
        "http://127.0.0.1:{port}/other",
        "http://127.0.0.1:{port}/api/v3/../x",
        "http://127.0.0.1:{port}/api/v3/%2e%2E/x",
        "http://127.0.0.1:{port}/api/v3/x\r\nHost: evil",
        "http://127.0.0.1:{port}\\@evil.example.com/api/v3/",
        "http://[/api/v3/x",
        "../x",
        "a/%2e%2e/%2e%2e/%2e%2e/x",
        "a b",
        "a\nb",
        "ä",
    ],
)
def test_an_address_elsewhere_is_refused_and_nothing_sent(named: str) -> None:
    with listening(always(answer())) as wire:
        port = wire.url.rpartition(":")[2]
        with pytest.raises(PermanentError):
            site_at(f"{wire.url}/api/v3").get(named.replace("{port}", port))
        assert wire.connections == 0


def test_a_path_that_begins_with_two_slashes_stays_at_the_host() -> None:
    with listening(always(answer())) as wire:
        assert site_at(wire.url).get("//evil.example.com/x").url == f"{wire.url}/evil.example.com/x"


def test_a_redirect_is_an_answer_whose_body_is_not_read() -> None:
    bomb = b"x" * 1000
    reply = answer(bomb, "301 Moved", ("Location: /repositories/1",), length=10**12)
    with listening(always(reply)) as wire:
        got = site_at(wire.url, limits={"max_bytes": 10}).get("repos/a/b")
    assert (got.status, got.headers["location"], got.body) == (301, "/repositories/1", b"")
    assert len(wire.requests) == 1


# ---- credentials


def test_an_echoed_credential_is_redacted_everywhere_in_an_answer() -> None:
    pair = base64.b64encode(f"ann@example.com:{TOKEN}".encode()).decode()

    def echo(connection: socket.socket, request: bytes) -> None:
        body = json.dumps({"got": f"Basic {pair}", "token": TOKEN, "b": [TOKEN]}).encode()
        connection.sendall(answer(body, headers=(f"X-Echo: {TOKEN}", f"X-{'Auth'}: {pair}")))

    with listening(echo) as wire:
        site = site_at(wire.url, headers={"authorization": f"Basic {pair}"}, secrets=[TOKEN])
        got = site.post(f"rest?access_token={TOKEN.replace('+', '%2B')}", {"refresh": TOKEN})
    assert pair.encode() in wire.requests[0]
    told = "\n".join([got.url, got.request_body, got.body.decode(), *got.headers.values()])
    assert TOKEN not in told
    assert pair[-16:] not in told
    assert told.count("[redacted]") >= 6
    assert json.loads(got.body)["b"] == ["[redacted]"]


def test_an_error_does_not_name_a_credential() -> None:
    with listening(cut(b"")) as wire, pytest.raises(TransientError) as caught:
        site_at(wire.url, secrets=["0123456789"]).get("token/0123456789/x?key=0123456789")
    assert str(caught.value).startswith(f"GET {wire.url}/token/[redacted]/x: ")


def test_no_log_line_holds_a_credential_that_is_echoed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with listening(always(answer(headers=(f"X-Echo: {TOKEN}",)))) as wire:
        site_at(wire.url, headers={"authorization": f"Bearer {TOKEN}"}, secrets=[TOKEN]).get("a")
    assert TOKEN not in caplog.text


@pytest.mark.parametrize("value", ["abc\r\nX-Evil: 1", "abc\n", "tökén", "abc\0"])
def test_a_credential_that_no_header_can_carry_is_refused(value: str) -> None:
    with pytest.raises(UsageError) as caught:
        site_at("https://jira", headers={"authorization": f"Bearer {value}"})
    assert value not in str(caught.value)


# ---- the budget


class Noted:
    """A budget that writes down what it is asked."""

    def __init__(self, is_held: bool = False) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.is_held = is_held

    def take(self, scope: str) -> None:
        self.calls.append(("take", scope))
        if self.is_held:
            raise WaitError("waiting", 5)

    def hold(self, seconds: float, reason: str, scope: str = "") -> None:
        self.calls.append(("hold", seconds, reason, scope))

    def note(self, remaining: int, resets_at: datetime, scope: str = "") -> None:
        self.calls.append(("note", remaining, resets_at, scope))


def test_a_request_is_taken_from_the_budget_before_it_is_sent() -> None:
    budget = Noted(is_held=True)
    with listening(always(answer())) as wire:
        with pytest.raises(WaitError):
            site_at(wire.url, budget=budget).get("a", scope="search")
        assert wire.connections == 0
        budget.is_held = False
        site_at(wire.url, budget=budget).post("a", {}, scope="graphql")
    assert budget.calls == [("take", "search"), ("take", "graphql")]


@pytest.mark.parametrize(("asked", "held"), [(30, 30), (999_999_999, 3600), (-5, 0)])
def test_a_hold_is_for_all_and_ends_the_request(asked: float, held: float) -> None:
    budget = Noted()
    site = site_at("https://jira", budget=budget, secrets=[TOKEN])
    with pytest.raises(WaitError) as caught:
        site.hold(asked, f"burst by {TOKEN}", "search")
    assert caught.value.retry_after_seconds == held
    assert re.fullmatch(r"waiting until ..:..:.. UTC: burst by .redacted.", str(caught.value))
    assert budget.calls == [("hold", held, "burst by [redacted]", "search")]


def test_what_is_left_is_noted() -> None:
    budget = Noted()
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    site_at("https://jira", budget=budget).note(7, moment, "rest")
    assert budget.calls == [("note", 7, moment, "rest")]
