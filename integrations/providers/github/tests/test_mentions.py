import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.providers.github.mentions import (
    KEY_LENGTH,
    MENTIONS_PER_TEXT,
    Mention,
    Place,
    find_mentions,
)


def keys(text: str, place: Place = "title") -> list[str]:
    return [mention.key for mention in find_mentions(text, place)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ABC-12 dig", ["ABC-12"]),
        ("bugfix-ABC-12", ["ABC-12"]),
        ("feature_ABC-12", ["ABC-12"]),
        ("MY_ABC-12", ["MY_ABC-12", "ABC-12"]),
        ("ABC-123-2nd", ["ABC-123"]),
        ("(A11Y-160)", ["A11Y-160"]),
        ("[ABC-1][DEF-2] ABC-3,DEF-4", ["ABC-1", "DEF-2", "ABC-3", "DEF-4"]),
        ('Revert "ABC-7: dig"', ["ABC-7"]),
        ("https://jira.example.com/browse/ABC-1?x=DEF-2", ["ABC-1", "DEF-2"]),
        ("UTF-8, SHA-256 and CVE-2026-41284", ["UTF-8", "SHA-256", "CVE-2026"]),
        ("ABC-1_final", ["ABC-1"]),
        ("éABC-1é", ["ABC-1"]),
        ("XABC-1b ABC-12b", []),
        ("ABC-0 ABC-01 ABC--1 -1 ABC-", []),
        ("2022-02 1A-1 _-1", []),
        ("abc-12 Abc-12", []),
        ("ABC-12345678901", []),
        ("", []),
    ],
)
def test_what_looks_like_a_key_is_found(text: str, expected: list[str]) -> None:
    assert keys(text) == expected


@pytest.mark.parametrize(
    ("branch", "expected"),
    [
        ("feature/abc-12-dig", ["ABC-12"]),
        ("feature_abc-12", ["FEATURE_ABC-12", "ABC-12"]),
        ("alice/Abc-12", ["ABC-12"]),
        ("release-2022-02", ["RELEASE-2022"]),
    ],
)
def test_small_letters_count_in_branches_alone(branch: str, expected: list[str]) -> None:
    assert keys(branch, "branch") == expected
    assert keys(branch, "body") == []


def test_the_keys_of_one_word_have_its_position_and_their_own_text() -> None:
    assert find_mentions("on feature_abc-12", "branch") == [
        Mention(3, "FEATURE_ABC-12", "feature_abc-12"),
        Mention(3, "ABC-12", "abc-12"),
    ]


def test_a_text_names_no_more_than_so_many() -> None:
    assert len(find_mentions("ABC-1 " * 500, "body")) == MENTIONS_PER_TEXT


def test_a_key_that_is_too_long_is_no_key_but_its_end_may_be() -> None:
    assert keys("A" * KEY_LENGTH + "-1") == ["A" * KEY_LENGTH + "-1"]
    assert keys("A" * (KEY_LENGTH + 1) + "-1") == []
    assert keys("A" * KEY_LENGTH + "_ABC-1") == ["ABC-1"]


@pytest.mark.parametrize("text", ["x_" * 500_000, "A-" * 500_000, "-1" * 500_000, "A" * 10**6])
def test_a_hostile_text_takes_no_time(text: str) -> None:
    started = time.process_time()
    find_mentions(text + "-1", "branch")
    assert time.process_time() - started < 2


def naive(text: str, any_case: bool) -> list[tuple[str, str]]:
    """Try every place of a text: slow, and plainly what is meant."""
    found = []
    for end in re.finditer(r"(?<=[A-Za-z0-9_])-[1-9][0-9]{0,9}(?![A-Za-z0-9])", text):
        for start in range(end.start()):
            key = text[start : end.start()]
            alone = not re.match(r"[A-Za-z0-9]", text[start - 1 : start]) if start else True
            if alone and len(key) <= KEY_LENGTH and re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", key):
                matched = key + end[0]
                if any_case or matched == matched.upper():
                    found.append((matched.upper(), matched))
    return found[:MENTIONS_PER_TEXT]


@given(st.text(alphabet="Ab1_- é0", max_size=60), st.booleans())
def test_every_text_gives_what_a_naive_search_gives(text: str, any_case: bool) -> None:
    found = find_mentions(text, "branch" if any_case else "commit")
    assert [(mention.key, mention.matched_text) for mention in found] == naive(text, any_case)
    assert len({(mention.position, mention.key) for mention in found}) == len(found)
