"""Records of a page, what they became, and what of them could not be loaded as it stands."""

from typing import Literal

import msgspec

from integrations.contract.drafts import Draft


class Problem(msgspec.Struct, kw_only=True):
    """Why something of a page was not loaded as it stands.

    severity: `record` (set aside whole), `value` (that value is null) or `note` (text cleaned).
    place: where in the recording or page, such as `issues.jsonl:17`; path: where in the record.
    """

    severity: Literal["record", "value", "note"]
    reason: str
    detail: str
    position: int
    path: str = ""
    excerpt: str = ""


class Record(msgspec.Struct, gc=False):
    """One entity of a page, not yet decoded. position: its place in the page, from 0."""

    position: int
    body: bytes


class Normalized(msgspec.Struct):
    """What one record became."""

    drafts: list[Draft]
    problems: list[Problem]
