"""Bad requests that only a real server can be sent: sizes of bodies, and headers that stand twice.

Rows 80, 82 and 83 of the bad inputs that the API is held against; the others are in
`test_bad_requests`.
"""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from common import sizes
from etl_project.bodies import LINGER_SECONDS
from tests.api.operations import operations
from tests.api.served import Site, served

FIFTY_MB: Final = 50 * 1024 * 1024
JSON: Final = {"Content-Type": "application/json"}
WRITES: Final = ["/api/v1/wit-mappings/", "/api/v1/raw-pages/", "/api/v1/auth/token/"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site, with a token of each role."""
    with served(tmp_path_factory.mktemp("site")) as found:
        yield found


@contextmanager
def connected(site: Site) -> Iterator[HTTPConnection]:
    address = urlsplit(site.address)
    # Shorter than a refused body is waited for: answers come before that.
    connection = HTTPConnection(address.hostname or "", address.port, timeout=LINGER_SECONDS - 1)
    try:
        yield connection
    finally:
        connection.close()


def bearer(site: Site, role: str = "admin") -> dict[str, str]:
    return {"Authorization": f"Bearer {site.tokens[role]}"}


@contextmanager
def told(site: Site, what: str, *headers: str) -> Iterator[tuple[HTTPResponse, socket.socket]]:
    """Send the lines of a request, and give the answer with the connection, which stays open."""
    lines = [f"{what} HTTP/1.1", "Host: localhost"]
    lines += [f"{name}: {value}" for name, value in bearer(site).items()]
    address = urlsplit(site.address)
    place = (address.hostname, address.port or 0)
    with socket.create_connection(place, LINGER_SECONDS - 1) as end:
        end.sendall("\r\n".join([*lines, *headers, "", ""]).encode())
        answer = HTTPResponse(end)
        answer.begin()
        yield answer, end


def problem(answer: HTTPResponse) -> dict[str, Any]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    found: dict[str, Any] = json.loads(answer.read())
    assert found["status"] == answer.status
    assert found["trace_id"] == answer.headers["X-Request-ID"]
    return found


def begun(connection: HTTPConnection, method: str, path: str, headers: dict[str, str]) -> None:
    """Send the head of a request, and nothing of its body."""
    connection.putrequest(method, path)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()


@pytest.mark.parametrize("path", WRITES)
def test_a_body_that_says_it_is_too_large_is_refused_before_any_of_it_is_sent(
    site: Site, path: str
) -> None:
    with connected(site) as connection:
        begun(connection, "POST", path, {**bearer(site), **JSON, "Content-Length": str(FIFTY_MB)})
        answer = connection.getresponse()
        assert answer.status == 413
        told = problem(answer)
        assert told["type"].endswith("#too-large")
        assert f"{sizes.most_bytes(path):,} bytes" in told["detail"]


def test_every_operation_refuses_what_is_too_large(site: Site) -> None:
    headers = {**bearer(site), **JSON, "Content-Length": str(FIFTY_MB)}
    wrong = []
    for each in operations():
        if each.method in ("GET", "HEAD"):
            continue
        with connected(site) as connection:
            begun(connection, each.method, each.at(dict.fromkeys(each.names, "1")), headers)
            answer = connection.getresponse()
            if answer.status != 413 or problem(answer)["status"] != 413:
                wrong.append((str(each), answer.status))
    assert wrong == []


def test_whoever_sends_all_of_it_nevertheless_is_told(site: Site) -> None:
    with connected(site) as connection:
        connection.request("POST", WRITES[0], b" " * FIFTY_MB, {**bearer(site), **JSON})
        assert connection.getresponse().status == 413


def test_whoever_asks_first_whether_to_send_it_is_told_at_once(site: Site) -> None:
    size = f"Content-Length: {FIFTY_MB}\r\nExpect: 100-continue"
    with told(site, f"POST {WRITES[0]}", size) as (answer, end):
        assert (answer.status, problem(answer)["status"]) == (413, 413)
        assert end.recv(1) == b"", "the connection is closed, and nothing waited for"


@pytest.mark.parametrize("path", WRITES)
def test_a_body_that_does_not_say_how_large_it_is_is_counted_as_it_comes(
    site: Site, path: str
) -> None:
    piece = b" " * 65_536
    headers = {**bearer(site), **JSON, "Transfer-Encoding": "chunked"}
    with connected(site) as connection:
        begun(connection, "POST", path, headers)
        sent = 0
        while sent <= sizes.most_bytes(path):
            connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            sent += len(piece)
        answer = connection.getresponse()  # though the body has not ended
        assert (answer.status, problem(answer)["title"]) == (413, "Request Entity Too Large")


def test_a_body_in_pieces_is_read_like_any_other(site: Site) -> None:
    body = json.dumps({"username": "nobody", "password": "wrong"}).encode()
    pieces = (body[at : at + 7] for at in range(0, len(body), 7))
    with connected(site) as connection:
        connection.request("POST", "/api/v1/auth/token/", pieces, JSON, encode_chunked=True)
        answer = connection.getresponse()
        assert (answer.status, problem(answer)["detail"]) == (401, "Name or password is wrong.")


def test_the_largest_body_is_read(site: Site) -> None:
    body = b'{"target": "x"' + b" " * (sizes.JSON - 15) + b"}"
    assert len(body) == sizes.JSON
    with connected(site) as connection:
        connection.request(
            "PATCH", "/api/v1/wit-mappings/987654321/", body, {**bearer(site), **JSON}
        )
        answer = connection.getresponse()
        assert (answer.status, problem(answer)["title"]) == (404, "Not Found")
        connection.request("GET", "/api/v1/me/", headers=bearer(site))
        assert connection.getresponse().status == 200, "the connection goes on"


def test_a_page_that_takes_files_takes_larger_ones_and_says_what_is_too_large(
    site: Site,
) -> None:
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    path = "/admin/mappings/exchange/wit-mappings/import/"
    for size, status in ((sizes.JSON + 1, 403), (sizes.UPLOAD + 1, 413)):
        with connected(site) as connection:
            begun(connection, "POST", path, {**form, "Content-Length": str(size)})
            if status == 403:  # of Django: there is no CSRF token in it
                connection.send(b" " * size)
            answer = connection.getresponse()
            assert (answer.status, answer.headers.get_content_type()) == (status, "text/html")
            text = answer.read().decode()
    assert "8.0\xa0MB" in text
    assert "Content-Security-Policy" in answer.headers


def wrong_password(site: Site, name: str, **headers: str) -> int:
    body = json.dumps({"username": name, "password": "wrong"})
    with connected(site) as connection:
        connection.request("POST", "/api/v1/auth/token/", body, {**JSON, **headers})
        return connection.getresponse().status


@pytest.mark.parametrize(("header", "last"), [("X_Forwarded_For", 429), ("X-Forwarded-For", 401)])
def test_no_header_but_that_of_the_proxy_says_where_a_request_is_from(
    site: Site, header: str, last: int
) -> None:
    """The tests are asked from where a proxy may stand, so the proper header is believed."""
    name = f"guessed by {header.encode().hex()}"
    answers = [wrong_password(site, name, **{header: f"192.0.2.{each}"}) for each in range(1, 7)]
    assert answers == [401] * 5 + [last]


def test_two_authorizations_are_none(site: Site) -> None:
    token = bearer(site)["Authorization"]
    wrong = []
    with connected(site) as connection:
        for each in operations():
            if each.is_public or each.method != "GET":
                continue
            connection.putrequest("GET", each.at(dict.fromkeys(each.names, "1")))
            connection.putheader("Authorization", token)
            connection.putheader("Authorization", token)
            connection.endheaders()
            answer = connection.getresponse()
            if answer.status != 401 or problem(answer)["status"] != 401:
                wrong.append((str(each), answer.status))
            answer.read()
    assert wrong == []


@pytest.mark.parametrize("query", ["x=%ff", "%00", "fields=%00", "cursor=%00", "x=%u0000"])
def test_a_query_that_is_no_text_is_refused(site: Site, query: str) -> None:
    with told(site, f"GET /api/v1/tenants/?{query}") as (answer, _):
        assert (answer.status, problem(answer)["status"]) == (400, 400)


def test_nothing_of_it_was_a_fault_of_ours(site: Site, tmp_path: Path) -> None:
    assert "Traceback" not in site.log.read_text()
