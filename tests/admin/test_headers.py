"""What every page forbids the browser."""

import pytest
from django.test import Client
from django.urls import reverse


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/login/", "/nowhere"])
def test_pages_allow_no_script_in_their_text_and_nothing_from_elsewhere(path: str) -> None:
    policy = Client().get(path).headers["Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'self'"
    assert "unsafe-inline" not in rules["script-src"]
    assert rules["frame-ancestors"] == "'none'"
    assert "ws://testserver" in rules["connect-src"]


@pytest.mark.django_db
def test_a_host_that_is_not_ours_is_refused_and_not_repeated() -> None:
    answer = Client(headers={"host": "evil.example"}).get(reverse("admin:login"))
    assert answer.status_code == 400
    assert b"evil.example" not in answer.content
    assert "evil.example" not in str(answer.headers)
