"""The inbox: what occurs without a rule, with suggestions to accept or correct."""

from collections.abc import Sequence
from typing import Any, Final

from django.core import signing
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from common.errors import UsageError
from integrations.models import Integration
from mappings.api.edits import refuse
from mappings.api.inbox_rows import (
    ENTRY,
    MOST_DECISIONS,
    AcceptAllBody,
    AcceptBody,
    AcceptedAll,
    InboxPage,
)
from mappings.api.outcome import APPLIED, PREPARING_EXAMPLE, Outcome, answer, applied
from mappings.effects import ItemName, effects
from mappings.inbox import Entry, Kind, read_inbox
from mappings.inbox_clues import Clues
from mappings.inbox_decisions import Decision, edit_of, summary_of, sure_enough
from mappings.models import ChangeSet
from mappings.rules import fold
from mappings.suggestions import Suggestion
from tenants.api.filters import check_parameters
from tenants.api.idempotency import idempotent
from tenants.api.paging import MOST_ROWS, PAGE_SIZE, page_size
from tenants.api.problems import ProblemError, bad_parameter
from tenants.api.views import ScopedView
from tenants.permissions import Capability

_EXAMPLES: Final = 3
_SALT: Final = "mappings.api.inbox"


class MappingInboxView(ScopedView):
    """What occurs without a rule."""

    @extend_schema(
        operation_id="mapping_inbox_list",
        summary="List what occurs without a rule",
        tags=["mapping inbox"],
        responses=InboxPage,
        parameters=[
            OpenApiParameter("integration", OpenApiTypes.INT64, description="Id of one."),
            OpenApiParameter("kind", OpenApiTypes.STR, enum=[kind.value for kind in Kind]),
            OpenApiParameter("cursor", OpenApiTypes.STR, description="As `next` of a page says."),
            OpenApiParameter(
                "page_size",
                {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": PAGE_SIZE},
            ),
        ],
        examples=[
            OpenApiExample(
                "A page",
                {"next": None, "entry_count": 1, "is_cut": False, "results": [ENTRY]},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        """Those with the most work items first, each with what it probably is, and why."""
        check_parameters(request, {"integration", "kind", "cursor", "page_size"})
        tenant_id, size = self.tenant.pk, page_size(request)
        found = read_inbox(tenant_id, _integrations(request), _kinds(request))
        start = _after(request)
        rest = [each for each in found.entries if start is None or _place(each) > start]
        shown = rest[:size]
        examples = effects().examples(tenant_id, [each.status_ids for each in shown], _EXAMPLES)
        clues = Clues(tenant_id)
        rows = [
            _told(each, some, clues.suggestion(each))
            for each, some in zip(shown, examples, strict=True)
        ]
        following = None
        if len(rest) > size:
            cursor = signing.dumps(_place(shown[-1]), salt=_SALT)
            following = replace_query_param(request.build_absolute_uri(), "cursor", cursor)
        page = {
            "next": following,
            "entry_count": len(found.entries),
            "is_cut": found.is_cut,
            "results": rows,
        }
        return Response(InboxPage(page).data)


class InboxAcceptView(ScopedView):
    """Decisions about what occurs without a rule."""

    capabilities = {"post": Capability.EDIT_MAPPINGS}

    @extend_schema(
        summary="Decide what names become",
        tags=["mapping inbox"],
        request=AcceptBody,
        responses={200: Outcome, 202: Outcome},
        examples=[
            OpenApiExample(
                "A status and a type",
                {
                    "entries": [
                        {"kind": "status", "name": "Code Review", "integration": 3},
                        {
                            "kind": "type",
                            "name": "Chore",
                            "integration": None,
                            "target": "Task",
                            "hierarchy": 6,
                        },
                    ]
                },
                request_only=True,
            ),
            OpenApiExample(
                "In effect", {"change_set": APPLIED}, response_only=True, status_codes=["200"]
            ),
            PREPARING_EXAMPLE,
        ],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Make a rule of each, as one change-set; what is wrong is told by index."""
        check_parameters(request, set())
        tenant_id = self.tenant.pk
        body = AcceptBody(data=request.data)
        body.is_valid(raise_exception=True)
        decisions = _decisions(tenant_id, body.validated_data["entries"])

        def edit() -> None:
            for number, each in enumerate(decisions):
                try:
                    edit_of(tenant_id, [each])()
                except UsageError as error:
                    text = str(error)
                    told = f"{text[:1].upper()}{text[1:]}."
                    refuse([_error(number, told)])

        return answer(
            applied(request, tenant_id, edit, ChangeSet.Origin.INBOX, summary_of(decisions))
        )


class InboxAcceptAllView(ScopedView):
    """All suggestions that are sure enough."""

    capabilities = {"post": Capability.EDIT_MAPPINGS}

    @extend_schema(
        summary="Take all suggestions that are sure enough",
        tags=["mapping inbox"],
        request=AcceptAllBody,
        responses={200: AcceptedAll, 202: AcceptedAll},
        examples=[
            OpenApiExample("Sure ones", {"min_confidence": 90}, request_only=True),
            OpenApiExample(
                "In effect",
                {"change_set": APPLIED, "accepted_count": 12},
                response_only=True,
                status_codes=["200"],
            ),
        ],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Take up to 1,000 of them, those with the most work items first, as one change-set."""
        check_parameters(request, set())
        tenant_id = self.tenant.pk
        body = AcceptAllBody(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        kinds = [Kind(asked["kind"])] if "kind" in asked else list(Kind)
        chosen = [asked["integration"]] if "integration" in asked else Integration.objects.all()
        decisions = sure_enough(tenant_id, chosen, kinds, asked["min_confidence"], MOST_DECISIONS)
        change_set = None
        if decisions:
            edit = edit_of(tenant_id, decisions)
            summary = summary_of(decisions)
            change_set = applied(request, tenant_id, edit, ChangeSet.Origin.INBOX, summary)
        return answer(change_set, accepted_count=len(decisions))


def _integrations(request: Request) -> list[Integration]:
    given = request.query_params.get("integration")
    if given is None:
        return list(Integration.objects.all())
    text = given.removeprefix("-")
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise bad_parameter("integration", "give an id, a whole number")
    return list(Integration.objects.filter(pk=int(given)))


def _kinds(request: Request) -> list[Kind]:
    given = request.query_params.get("kind")
    if given is None:
        return list(Kind)
    if given not in set(Kind):
        raise bad_parameter("kind", f"give one of {', '.join(Kind)}")
    return [Kind(given)]


def _place(entry: Entry) -> list[Any]:
    return [-entry.item_count, entry.kind.value, fold(entry.name), entry.key]


def _after(request: Request) -> list[Any] | None:
    cursor = request.query_params.get("cursor")
    if cursor is None:
        return None
    try:
        found: list[Any] = signing.loads(cursor, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError):
        raise bad_parameter("cursor", "this is none: take it from `next` of a page") from None
    return found


def _told(
    entry: Entry, examples: Sequence[ItemName], suggestion: Suggestion | None
) -> dict[str, Any]:
    return {
        "kind": entry.kind.value,
        "integration": entry.integration.pk,
        "name": entry.name,
        "untranslated_name": entry.untranslated_name,
        "source_category": entry.category,
        "source_level": entry.level,
        "source_ids": entry.source_ids,
        "projects": entry.projects,
        "types": entry.type_names,
        "item_count": entry.item_count,
        "first_seen_at": entry.first_seen_at,
        "examples": examples,
        "suggestion": _suggested(entry, suggestion),
    }


def _suggested(entry: Entry, suggestion: Suggestion | None) -> dict[str, Any] | None:
    if suggestion is None:
        return None
    meaning, is_type = suggestion.meaning, entry.kind == Kind.TYPE
    return {
        "target": meaning.target,
        "hierarchy": meaning.place_id if is_type else None,
        "step": None if is_type else meaning.place_id,
        "category": meaning.category,
        "confidence": suggestion.confidence,
        "reason": suggestion.reason,
    }


def _decisions(tenant_id: int, entries: Sequence[dict[str, Any]]) -> list[Decision]:
    """Return decisions; raise Problem for one without a target that has no suggestion."""
    suggested: dict[tuple[str, int, str], Suggestion] = {}
    if any("target" not in each for each in entries):
        clues = Clues(tenant_id)
        for entry in read_inbox(tenant_id, Integration.objects.all(), list(Kind)).entries:
            suggestion = clues.suggestion(entry)
            if suggestion is not None:
                key = (entry.kind.value, entry.integration.pk, fold(entry.name))
                suggested[key] = suggestion
    decisions, errors = [], []
    for number, each in enumerate(entries):
        owner = each["integration"].pk if each["integration"] is not None else None
        meaning = None
        if "target" not in each:
            suggestion = suggested.get((each["kind"], owner or 0, each["name"]))
            if suggestion is None:
                told = "Nothing is suggested for it: say what it becomes."
                errors.append(_error(number, told, "/target"))
                continue
            meaning = suggestion.meaning
        decisions.append(_decision(each, owner, meaning))
    refuse(errors)
    return decisions


def _decision(each: dict[str, Any], owner: int | None, meaning: Any) -> Decision:
    kind = Kind(each["kind"])
    place = each.get("hierarchy" if kind == Kind.TYPE else "step")
    return Decision(
        kind=kind,
        name=each["name"],
        integration_id=owner,
        project_key=each["project_key"].strip(),
        target=meaning.target if meaning is not None else each["target"],
        place_id=meaning.place_id if meaning is not None else place.pk if place else None,
        category=meaning.category if meaning is not None else each.get("category", ""),
    )


def _error(number: int, detail: str, member: str = "") -> ProblemError:
    return ProblemError(pointer=f"/entries/{number}{member}", detail=detail, code="invalid")
