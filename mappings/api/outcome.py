"""Making an edit in the name of whoever asks, and what is answered about it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from mappings import editing
from mappings.api.edits import Edits
from mappings.checks import RuleError
from mappings.editing import PreparingError
from mappings.models import ChangeSet
from mappings.undo import EditedSinceError
from tenants.api.fields import IntegerField, Serializer
from tenants.api.problems import Problem, ProblemError


class ChangeSetTold(Serializer):
    """What an edit became. A large one is being prepared by a run and takes effect when that ends;
    nothing has changed before. version, run: null where there is none."""

    id = IntegerField(help_text="As in `mapping-versions`.")
    version = IntegerField(allow_null=True, help_text="Of the rules; null until it is in effect.")
    state = serializers.ChoiceField(ChangeSet.State.choices)
    summary = serializers.CharField()
    touched_count = IntegerField(help_text="Work items of which a value changed.")
    run = IntegerField(source="run_id", allow_null=True, help_text="Id of the run, as in `runs`.")


class Outcome(Serializer):
    """What an edit became; null where nothing was different."""

    change_set = ChangeSetTold(allow_null=True)


APPLIED = {
    "id": 91,
    "version": 57,
    "state": "applied",
    "summary": "Changed Type bug → Bug",
    "touched_count": 148,
    "run": None,
}
PREPARING = {**APPLIED, "version": None, "state": "preparing", "touched_count": 0, "run": 4711}
PREPARING_EXAMPLE = OpenApiExample(
    "A large edit, which a run prepares",
    {"change_set": PREPARING},
    response_only=True,
    status_codes=["202"],
)


def outcome(change_set: ChangeSet | None) -> dict[str, Any]:
    """Return what is answered about an edit."""
    told = ChangeSetTold(change_set).data if change_set is not None else None
    return {"change_set": told}


def answer(change_set: ChangeSet | None, **more: Any) -> Response:
    """Answer about an edit: 202 if it is being prepared."""
    is_preparing = change_set is not None and change_set.state == ChangeSet.State.PREPARING
    return Response({**more, **outcome(change_set)}, status=202 if is_preparing else 200)


@contextmanager
def problems_told(edits: Edits | None = None) -> Iterator[None]:
    """Turn what the rules refuse into problems that say where and what to do.

    edits: those that were made, to say which of them it was.
    """
    try:
        yield
    except RuleError as error:
        raise (edits or Edits(0, ())).problem_of(error) from error
    except PreparingError as error:
        raise Problem(409, "being-prepared", f"{_sentence(error)}.") from error
    except EditedSinceError as error:
        raise Problem(
            409,
            "edited-since",
            f"{_sentence(error)}.",
            [
                ProblemError(
                    detail=f"Version {each.version} (id {each.pk}): {each.summary}",
                    code="edited-since",
                )
                for each in error.later
            ],
        ) from error


def applied(
    request: Request,
    tenant_id: int,
    edit: Callable[[], object],
    origin: ChangeSet.Origin,
    summary: str = "",
) -> ChangeSet | None:
    """Make an edit as one change-set; raise Problem for what cannot be."""
    with problems_told(edit if isinstance(edit, Edits) else None):
        return editing.apply(
            tenant_id,
            edit,
            author=editing.author_of(request.user),
            origin=origin,
            summary=summary,
        )


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}"
