"""Rich text as plain text: the document format of Cloud v3 and the wiki markup of v2."""

import re
from datetime import UTC, datetime
from typing import Any, Final

import msgspec


class Node(msgspec.Struct, gc=False):
    """A node of an Atlassian document."""

    type: str | None = None
    text: str | None = None
    attrs: dict[str, Any] | None = None
    content: list["Node"] | None = None


DOCUMENT: Final = msgspec.json.Decoder(Node | str | None)

_INLINE: Final = frozenset(
    {"text", "mention", "emoji", "date", "status", "inlineCard", "hardBreak"}
)
_ATTRIBUTES: Final = ("text", "shortName", "url", "alt", "title")

# Every repetition is bounded: the time stays linear in the text, whatever it holds.
_VERBATIM: Final = re.compile(r"\{(?:code|noformat)(?::[^}\n]{0,200})?\}")
_MARKUP: Final = re.compile(
    r"\{(?:quote|panel|color|expand)(?::[^}\n]{0,200})?\}"
    r"|^(?:h[1-6]|bq)\.[ \t]{1,8}"
    r"|^[ \t]{0,8}(?P<bullet>[*#-]{1,6})[ \t](?=\S)"
    r"|\[~(?:accountid:)?(?P<user>[^\]\n|]{1,200})\]"
    r"|\[(?P<label>[^\]\n|]{1,300})\|(?P<target>[^\]\n]{1,500})\]"
    r"|\[(?P<url>https?://[^\]\n|]{1,500})\]"
    r"|!(?P<image>[^!\n|\s]{1,200}\.[A-Za-z]{3,4})(?:\|[^!\n]{0,200})?!"
    r"|\{\{(?P<mono>[^{}\n]{1,300})\}\}"
    r"|(?<![\w*])\*(?P<bold>[^\s*](?:[^*\n]{0,500}[^\s*])?)\*(?![\w*])"
    r"|(?<![\w_])_(?P<italic>[^\s_](?:[^_\n]{0,500}[^\s_])?)_(?![\w_])",
    re.MULTILINE,
)


def document_text(document: Node) -> str:
    """Return the text of a document, a line for each block, `- ` before list items."""
    parts: list[str] = []
    pending: list[Node | str] = [document]
    while pending:  # no recursion: documents may be nested deeper than Python's stack
        node = pending.pop()
        if isinstance(node, str):  # the end of a block
            if parts and not parts[-1].endswith("\n"):
                parts.append(node)
            continue
        if node.type == "text":
            parts.append(node.text or "")
            continue
        if node.type == "listItem":
            parts.append("- ")
        if own := _own_text(node):
            parts.append(own)
        if node.type not in _INLINE:
            pending.append("\n")
        if node.content:
            pending.extend(reversed(node.content))
    return "".join(parts).strip()


def _own_text(node: Node) -> str:
    if node.text is not None:
        return node.text
    if node.type == "hardBreak":
        return "\n"
    if not node.attrs:
        return ""
    if node.type == "date":
        return _date_text(node.attrs.get("timestamp"))
    for name in _ATTRIBUTES:
        value = node.attrs.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def _date_text(timestamp: object) -> str:
    """Return the day of a date node, which holds epoch milliseconds as text."""
    try:
        return datetime.fromtimestamp(int(str(timestamp)) / 1000, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return ""


def wiki_text(markup: str) -> str:
    """Return the text of wiki markup; what stands between code marks is left as it is."""
    pieces = _VERBATIM.split(markup)
    pieces[::2] = [_MARKUP.sub(_plain, piece) for piece in pieces[::2]]
    return "".join(pieces).strip()


def _plain(match: re.Match[str]) -> str:
    kind = match.lastgroup
    if kind is None:
        return ""
    if kind == "bullet":
        return "- "
    if kind == "target":
        return f"{match['label']} ({match['target']})"
    return f"@{match['user']}" if kind == "user" else match[kind]
