"""Global node ids: opaque to clients, and saying where what they name is found."""

import base64
import binascii
from typing import NamedTuple

_KINDS = {
    "R": "Repository",
    "PR": "PullRequest",
    "PRC": "PullRequestCommit",
    "PRR": "PullRequestReview",
    "PRRT": "PullRequestReviewThread",
    "PRRC": "PullRequestReviewComment",
    "IC": "IssueComment",
    "DE": "Deployment",
}


class NodeId(NamedTuple):
    """What a node id names. number: of the pull request; part: id or hash of what is in it."""

    type: str
    repository_id: int
    number: int
    part: str


def node_id(prefix: str, *place: object) -> str:
    """Return the node id of a kind and a place, such as ("PR", repository id, number)."""
    text = ":".join(map(str, place)).encode()
    return f"{prefix}_{base64.urlsafe_b64encode(text).decode().rstrip('=')}"


def read_node_id(text: str) -> NodeId | None:
    """Return what a node id names, None if it is none that could be asked for."""
    prefix, _, rest = text.partition("_")
    if prefix not in _KINDS:
        return None
    try:
        place = base64.urlsafe_b64decode(rest + "=" * (-len(rest) % 4)).decode().split(":")
        numbers = [int(part) for part in place[:2]]
    except (binascii.Error, ValueError):
        return None
    number = numbers[1] if len(numbers) > 1 else 0
    return NodeId(_KINDS[prefix], numbers[0], number, place[2] if len(place) > 2 else "")
