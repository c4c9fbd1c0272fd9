"""Rich text becomes plain text."""

import time
from collections.abc import Mapping

import msgspec
import pytest

from ..text import DOCUMENT, Node, document_text, wiki_text


def text(*names_and_text: str) -> dict[str, object]:
    return {"type": "paragraph", "content": [{"type": "text", "text": t} for t in names_and_text]}


def plain(*content: Mapping[str, object]) -> str:
    document = {"type": "doc", "version": 1, "content": list(content)}
    node = DOCUMENT.decode(msgspec.json.encode(document))
    assert isinstance(node, Node)
    return document_text(node)


def test_blocks_of_a_document_are_lines() -> None:
    heading = {"type": "heading", "attrs": {"level": 1}, "content": [{"type": "text", "text": "A"}]}
    assert plain(heading, text("b", "c"), text("d")) == "A\nbc\nd"


def test_list_items_of_a_document_are_marked() -> None:
    items = [{"type": "listItem", "content": [text(t)]} for t in ("one", "two")]
    assert plain(text("List:"), {"type": "bulletList", "content": items}) == "List:\n- one\n- two"


def test_inline_nodes_of_a_document_keep_what_they_show() -> None:
    paragraph = {
        "type": "paragraph",
        "content": [
            {"type": "mention", "attrs": {"id": "ann", "text": "@Ann"}},
            {"type": "text", "text": " by "},
            {"type": "date", "attrs": {"timestamp": "1704067200000"}},
            {"type": "hardBreak"},
            {"type": "inlineCard", "attrs": {"url": "https://example.com/1"}},
            {"type": "emoji", "attrs": {"shortName": ":tada:"}},
            {"type": "date", "attrs": {"timestamp": "soon"}},
        ],
    }
    assert plain(paragraph) == "@Ann by 2024-01-01\nhttps://example.com/1:tada:"


def test_blank_lines_of_code_stay() -> None:
    code = {"type": "codeBlock", "content": [{"type": "text", "text": "a\n\nb"}]}
    assert plain(code, text("c")) == "a\n\nb\nc"


@pytest.mark.parametrize(
    ("markup", "shown"),
    [
        ("h2. Title\nbody", "Title\nbody"),
        ("* one\n** two\n# three", "- one\n- two\n- three"),
        ("a *bold* and _slanted_ and {{mono}}", "a bold and slanted and mono"),
        ("snake_case_name and 2*3*4", "snake_case_name and 2*3*4"),
        ("[docs|https://example.com/a]", "docs (https://example.com/a)"),
        ("[https://example.com] by [~ann]", "https://example.com by @ann"),
        ("{quote}said{quote}", "said"),
        ("{color:red}red{color}", "red"),
        ("{code:java}int *a*; // h1. {code}", "int *a*; // h1."),
        ("see !shot.png|thumbnail! now!", "see shot.png now!"),
        ("{unknown} stays", "{unknown} stays"),
    ],
)
def test_wiki_markup_becomes_what_it_shows(markup: str, shown: str) -> None:
    assert wiki_text(markup) == shown


@pytest.mark.parametrize(
    "part", ["{code", "{code:", "[", "*a", "_a", "!a", "{{a", "[~", "[a|", "* "]
)
def test_hostile_markup_takes_no_time(part: str) -> None:
    before = time.process_time()
    wiki_text(part * 20_000)
    assert time.process_time() - before < 5
