"""How the operations of a table of rules are described."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
    extend_schema_view,
)

from mappings.api.outcome import APPLIED, PREPARING_EXAMPLE, ChangeSetTold, Outcome
from mappings.api.rows import RuleRow
from tenants.api.etags import IF_MATCH
from tenants.api.fields import IntegerField, Serializer


def _made(name: str, bases: tuple[type[Any], ...], members: dict[str, Any]) -> Any:
    metaclass: Any = type(bases[0])
    return metaclass(name, bases, members)


@cache
def written_class(row_class: type[RuleRow]) -> type[RuleRow]:
    """Return the serializer of what a write answers: the row, and what the edit became."""
    found: type[RuleRow] = _made(
        f"{_name(row_class)}Written",
        (row_class,),
        {
            "__doc__": f"{row_class.__doc__} change_set: what the edit became.",
            "change_set": ChangeSetTold(allow_null=True),
        },
    )
    return found


@cache
def bulk_class(row_class: type[RuleRow]) -> type[RuleRow]:
    """Return the serializer of a row of a bulk edit, of which nothing is needed as such."""

    def get_fields(self: Any) -> Any:
        fields = row_class.get_fields(self)
        for each in fields.values():
            each.required = False
        return fields

    found: type[RuleRow] = _made(
        f"{_name(row_class)}BulkRow",
        (row_class,),
        {
            "__doc__": "A row: with an id it changes that one, without it is a new one.",
            "id": IntegerField(required=False),
            "get_fields": get_fields,
        },
    )
    return found


@cache
def bulk_answer_class(row_class: type[RuleRow]) -> type[Serializer]:
    """Return the serializer of what a bulk edit answers."""
    found: type[Serializer] = _made(
        f"{_name(row_class)}BulkOutcome",
        (Outcome,),
        {
            "__doc__": "The rows in the order of the body; none while it is being prepared.",
            "results": row_class(many=True),
        },
    )
    return found


def described(
    one: str,
    many: str,
    row_class: type[RuleRow],
    example: Mapping[str, Any],
    move_to: str = "",
    update_parameters: tuple[OpenApiParameter, ...] = (),
) -> Any:
    """Return a decorator that describes a `RuleViewSet`.

    one, many: what a row and rows are called. example: a row. move_to: what the parameter means
    where something is deleted; empty: there is none.
    """
    shown = OpenApiExample("As it is read", example, response_only=True, status_codes=["200"])
    edit = _write(row_class, example, 200)
    edit["parameters"] = [IF_MATCH, *update_parameters]
    return extend_schema_view(
        list=extend_schema(summary=f"List {many}", examples=[shown]),
        retrieve=extend_schema(summary=f"Read {one}", examples=[shown]),
        create=extend_schema(summary=f"Add {one}", **_write(row_class, example, 201)),
        update=extend_schema(summary=f"Replace {one}", **edit),
        partial_update=extend_schema(summary=f"Change {one}", **edit),
        destroy=_destroy(one, move_to),
        bulk=_bulk(many, row_class, example),
    )


def _write(row_class: type[RuleRow], example: Mapping[str, Any], status: int) -> dict[str, Any]:
    told = {**example, "change_set": APPLIED}
    return {
        "request": row_class,
        "responses": {status: written_class(row_class), 202: Outcome},
        "examples": [
            OpenApiExample("As it is sent", _body(example), request_only=True),
            OpenApiExample(
                "As it is answered", told, response_only=True, status_codes=[str(status)]
            ),
            PREPARING_EXAMPLE,
        ],
    }


def _body(example: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in example.items() if name != "id"}


def _destroy(one: str, move_to: str) -> Any:
    done = OpenApiExample(
        "Deleted", {"change_set": APPLIED}, response_only=True, status_codes=["200"]
    )
    return extend_schema(
        summary=f"Delete {one}",
        request=None,
        responses={200: Outcome, 202: Outcome},
        parameters=[IF_MATCH, *_move_to(move_to)],
        examples=[done, PREPARING_EXAMPLE],
    )


def _bulk(many: str, row_class: type[RuleRow], example: Mapping[str, Any]) -> Any:
    answer = bulk_answer_class(row_class)
    return extend_schema(
        summary=f"Add and change many {many}",
        request=bulk_class(row_class)(many=True),
        responses={200: answer, 202: answer},
        filters=False,
        examples=[
            OpenApiExample(
                "A new one and a changed one",
                [_body(example), {"id": example["id"], "is_active": False}],
                request_only=True,
            ),
            OpenApiExample(
                "As it is answered",
                {"results": [example], "change_set": APPLIED},
                response_only=True,
                status_codes=["200"],
            ),
        ],
    )


def _move_to(told: str) -> list[OpenApiParameter]:
    return [OpenApiParameter("move_to", OpenApiTypes.STR, description=told)] if told else []


def _name(row_class: type[RuleRow]) -> str:
    return row_class.__name__.removesuffix("Row")
