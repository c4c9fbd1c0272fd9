"""How lists of rules show their rows, and how it is asked where work items go."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.utils.html import format_html
from django.utils.safestring import SafeString

from mappings.admin.confirm import Group, Move
from mappings.dependants import SHOWN_RULES, Use
from tenants.admin import tag

NEXT_RULE: Final = "next"
"""Choice: what fell under a rule falls under the next that matches, or under none."""

_NEXT: Final = "Whatever rule matches next, or none: see what this changes"


def shown_name(name: str, otherwise: str) -> SafeString:
    """Return a name of a source, or what a rule matches by instead."""
    if not name:
        return format_html('<span class="etl-subtle">{}</span>', otherwise)
    return format_html("<bdi>{}</bdi>", name)


def shown_items(row: Any) -> SafeString:
    """Return how many work items are behind a rule, with a warning where nothing is."""
    if not hasattr(row, "use"):
        return format_html('<span class="etl-subtle">{}</span>', "–")
    use: Use = row.use or Use()
    if use.items:
        return format_html('<span class="etl-number">{}</span>', f"{use.items:,}")
    if not row.is_active:
        return format_html('<span class="etl-subtle">{}</span>', "inactive")
    if use.occurrences:
        text = "0, in histories only" if hasattr(row, "step_id") else "0"
        return format_html('<span class="etl-subtle">{}</span>', text)
    if row.is_known:
        title = "Another rule wins wherever this one matches: its page says which, and why"
        return format_html('<span class="etl-tag" title="{}">{}</span>', title, "wins nowhere")
    return tag("matches nothing", "warning")


def links_of_rules(
    rows: Sequence[Any], uses: Mapping[int, Use], link: str, title: str
) -> list[Group]:
    """Return the rules that are about to change as a group, with the items behind them."""
    labels = [str(row) for row in rows[:SHOWN_RULES]]
    items = sum(use.items for use in uses.values())
    if len(rows) == 1:
        link = f"{link}{rows[0].pk}/change/"
        title = title.removesuffix("s")
    else:
        link = ""
    return [Group(title, len(rows), items, link, labels)]


def falls_to(uses: Mapping[int, Use], alike: Sequence[tuple[int, str]]) -> list[Move]:
    """Ask where the items behind rules go, if there are any. alike: other rules by their id."""
    count = sum(use.items for use in uses.values())
    if not any(use.occurrences for use in uses.values()):
        return []
    offered: dict[str, int] = {}
    for key, label in alike:
        offered.setdefault(label, key)
    choices = [(NEXT_RULE, _NEXT)]
    choices += [(str(key), f"Keep the rule, make it: {label}") for label, key in offered.items()]
    what = f"{count:,} work item{'' if count == 1 else 's'}"
    return [
        Move(
            0,
            f"Where do {what} go?" if count != 1 else "Where does 1 work item go?",
            choices,
            when_empty=_NEXT,
            help_text="Items that no other rule matches are without a rule: they are in the inbox.",
        )
    ]
