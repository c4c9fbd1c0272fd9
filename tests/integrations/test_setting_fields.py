"""A setting is declared once: its field, its validation and its text follow."""

from datetime import date
from typing import Annotated, Any, Literal

import msgspec
import pytest
from django.core.exceptions import ValidationError

from integrations.contract import setting, setting_fields
from integrations.form_fields import initial_of, setting_field, setting_text

from .vault import Vault


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    names: Annotated[str, setting("Names", "Of things.", kind="list", picks="things")] = ""
    since: Annotated[str, setting("Since", kind="date")] = ""
    size: Annotated[int, setting("Size", ge=1, le=9, is_advanced=True)] = 3
    is_loud: Annotated[bool, setting("Loud")] = True
    kind: Annotated[Literal["a", "b"], setting("Kind")] = "a"
    code: Annotated[Annotated[str, msgspec.Meta(pattern="^c")] | None, setting("Code")] = None
    token_url: Annotated[str, setting("Tokens")] = "https://example.com"
    undeclared_one: int = 7


class Source(Vault):
    settings_type = Settings  # type: ignore[assignment]


DECLARED = {each.name: each for each in setting_fields(Settings)}


def text_of(name: str, value: Any) -> str:
    return setting_text(Source(), DECLARED[name], value)  # type: ignore[arg-type]


def test_what_is_declared_is_read_back() -> None:
    assert {name: each.kind for name, each in DECLARED.items()} == {
        "names": "list",
        "since": "date",
        "size": "number",
        "is_loud": "flag",
        "kind": "choice",
        "code": "text",
        "token_url": "address",
        "undeclared_one": "number",
    }
    names, size = DECLARED["names"], DECLARED["size"]
    assert (names.label, names.help, names.picks) == ("Names", "Of things.", "things")
    assert (size.least, size.most, size.default, size.is_advanced) == (1, 9, 3, True)
    assert DECLARED["kind"].choices == ("a", "b")
    assert DECLARED["undeclared_one"].label == "Undeclared one"


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("names", " a,b\n c ,,a", "a,b,c"),
        ("names", "", ""),
        ("since", date(2026, 1, 2), "2026-01-02"),
        ("since", None, ""),
        ("size", 5, "5"),
        ("size", 3, ""),
        ("size", None, ""),
        ("is_loud", False, "false"),
        ("is_loud", True, ""),
        ("kind", "b", "b"),
        ("kind", "a", ""),
        ("code", "  c7 ", "c7"),
        ("code", "", ""),
        ("token_url", "https://example.com", ""),
    ],
)
def test_a_value_becomes_text_and_a_default_none(name: str, value: Any, text: str) -> None:
    assert text_of(name, value) == text


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [("size", 10, "'10' will not do"), ("code", "d", "'d' will not do"), ("kind", "c", "'c' will")],
)
def test_what_the_declaration_does_not_take_is_refused(name: str, value: Any, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        text_of(name, value)


@pytest.mark.parametrize(
    ("name", "given", "cleaned"),
    [("names", "a, b", "a, b"), ("since", "2026-01-02", date(2026, 1, 2)), ("size", "4", 4)],
)
def test_its_field_takes_what_people_enter(name: str, given: str, cleaned: Any) -> None:
    assert setting_field(DECLARED[name]).clean(given) == cleaned


@pytest.mark.parametrize(
    ("name", "given"), [("since", "yesterday"), ("size", "0"), ("size", "10"), ("kind", "c")]
)
def test_its_field_refuses_what_cannot_be(name: str, given: str) -> None:
    with pytest.raises(ValidationError):
        setting_field(DECLARED[name]).clean(given)


def test_what_is_stored_is_shown_as_people_enter_it() -> None:
    assert initial_of(DECLARED["names"], "a,b") == "a, b"
    assert initial_of(DECLARED["is_loud"], "true") is True
    assert initial_of(DECLARED["code"], None) == ""
