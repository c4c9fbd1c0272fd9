"""No form of a credential is left in what is kept."""

import base64
import html
import json
import re
from urllib.parse import quote, quote_plus

import pytest

from common.redaction import MARK, Redactor, redact

SECRET = 'ATATT3x/Ff+GF0="T\\9é&<x>'


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote(SECRET),
        quote_plus(SECRET),
        re.sub("%..", lambda found: found[0].lower(), quote(SECRET, safe="")),
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        json.dumps(SECRET).replace("/", "\\/"),
        html.escape(SECRET),
        b64(SECRET),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        quote(b64(SECRET), safe=""),
    ],
)
def test_a_secret_is_replaced_however_it_is_written(form: str) -> None:
    assert redact(f"a {form} b {form}".encode(), [SECRET]).count(MARK.encode()) == 2
    left = redact(form.encode(), [SECRET]).decode().replace(MARK, "")
    assert not any(left[n : n + 6] in form for n in range(len(left) - 5))


@pytest.mark.parametrize("user", ["a", "ab", "abc", "ann@example.com", "jörg"])
@pytest.mark.parametrize("rest", ["", ":x", ":xy"])
def test_a_secret_is_replaced_inside_the_base64_of_a_pair(user: str, rest: str) -> None:
    encoded = b64(f"{user}:{SECRET}{rest}")
    for form in (encoded, quote(encoded, safe="")):
        left = redact(f"Basic {form}".encode(), [SECRET]).decode()
        assert MARK in left
        body = b64(f"{user}:")[:-4]
        assert len(left) < len("Basic ") + len(body) + len(MARK) + 18


def test_json_stays_json() -> None:
    body = json.dumps({"token": SECRET, "list": [SECRET, 1]}).encode()
    assert json.loads(redact(body, [SECRET])) == {"token": MARK, "list": [MARK, 1]}


def test_a_short_secret_is_left_for_it_may_be_a_word() -> None:
    assert redact(b"password seven77", ["seven77", ""]) == b"password seven77"
    assert redact(b"password eight888", ["eight888"]) == b"password [redacted]"


def test_the_longest_secret_is_replaced_first() -> None:
    assert redact(b"token-12345678", ["token-12", "token-12345678"]) == b"[redacted]"


def test_every_line_of_a_key_file_is_replaced() -> None:
    lines = ["MIIEpAIBAAKCAQEA0Z3VS5JJcds3xf", "Zm9vYmFyYmF6cXV4cXV1eHF1dXV4"]
    key = "\n".join(["-----BEGIN RSA PRIVATE KEY-----", *lines, "-----END RSA PRIVATE KEY-----"])
    left = redact(f"{lines[0]} {lines[1]} -----BEGIN RSA".encode(), [key + "\n"])
    assert left == b"[redacted] [redacted] -----BEGIN RSA"
    assert redact(json.dumps({"key": key}).encode(), [key + "\n"]) == b'{"key": "[redacted]"}'


def test_bytes_that_are_no_text_are_left_as_they_are() -> None:
    body = b"\xff\xfe\x00 token-12345678 \x80"
    assert redact(body, ["token-12345678"]) == b"\xff\xfe\x00 [redacted] \x80"


def test_text_with_lone_surrogates_can_be_redacted() -> None:
    assert Redactor(["token-12345678"]).text("\ud800 token-12345678") == "\ud800 [redacted]"


def test_without_secrets_nothing_is_touched() -> None:
    body = b"a" * 10
    assert redact(body, []) is body
