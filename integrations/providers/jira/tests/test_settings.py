"""What `connect --setting` takes, and what it refuses."""

import msgspec
import pytest

from ..connector import connector
from ..settings import JiraSettings


def read_text(**texts: str) -> JiraSettings:
    return msgspec.convert(texts, JiraSettings, strict=False)


def test_text_becomes_numbers_and_truths() -> None:
    settings = read_text(page_size="50", window_items="1000", sprints="false", projects=" A ,,B,A")
    assert (settings.page_size, settings.window_items, settings.sprints) == (50, 1000, False)
    assert settings.project_names == ["A", "B"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("jql", "labels = a ORDER  BY created"),
        ("projects", "A B"),
        ("projects", "../A"),
        ("page_size", "0"),
        ("page_size", "many"),
        ("lookback_minutes", "-1"),
        ("flavour", "server"),
        ("story_points_field", "10024"),
    ],
)
def test_what_no_request_can_be_made_of_is_refused(name: str, text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        read_text(**{name: text})


def test_only_the_settings_of_reading_make_a_record_be_read_again() -> None:
    names = {field.name for field in msgspec.structs.fields(JiraSettings)}
    assert set(connector.reading_settings) == {n for n in names if n.endswith("_field")}
