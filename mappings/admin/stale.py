"""Forms that were opened before somebody else changed what they show."""

from collections.abc import Sequence
from typing import Final

from django.http import HttpRequest

from mappings.checks import RuleError
from mappings.models import Change

FIELD: Final = "_version"
"""Name of the hidden field that says which version of the rules a form was made of."""


def refuse_stale(request: HttpRequest, rows: Sequence[tuple[str, int]]) -> None:
    """Raise RuleError if one of the rows (table and id) was changed after the form was made.

    The form comes back with the version that holds then, so saving it once more is a decision.
    """
    given = request.POST.get(FIELD, "")
    if not given.isdecimal() or len(given) > 9:
        return
    for table in {table for table, _ in rows}:
        ids = [row_id for name, row_id in rows if name == table]
        later = Change.objects.filter(
            table=table, row_id__in=ids, change_set__version__gt=int(given)
        )
        newest = later.select_related("change_set").order_by("-change_set__version").first()
        if newest is not None:
            who = newest.change_set.author_name or "somebody"
            raise RuleError(
                f"{who} changed this since you opened it ({newest.change_set.summary}): look at "
                "its history, then save again to have it your way"
            )
