"""Query texts: read, checked against the schema, and weighed, each text once."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLNamedType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    build_schema,
    get_named_type,
    parse,
    validate,
)
from graphql.execution import get_variable_values

from sandbox.github.graphql.arguments import Values, arguments, fragment_of, is_included
from sandbox.github.graphql.problems import RefusedError

MOST_NODES = 500_000
MOST_OF_A_CONNECTION = 100
_REMEMBERED = 256


@cache
def schema() -> GraphQLSchema:
    """Return the schema."""
    return build_schema(Path(__file__).with_name("schema.graphql").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Weight:
    """What a query may take at most. points: of the rate limit; nested: of its nodes, those
    in connections inside of connections."""

    nodes: int
    points: int
    nested: int


class Query:
    """An operation of a document, with the fragments that it may use."""

    def __init__(
        self,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        fragments: dict[str, FragmentDefinitionNode],
    ) -> None:
        self.document = document
        self.operation = operation
        self.fragments = fragments

    @property
    def is_introspection(self) -> bool:
        """Whether it asks for the schema itself."""
        names = (
            node.name.value
            for node in self.operation.selection_set.selections
            if isinstance(node, FieldNode)
        )
        return any(name in ("__schema", "__type") for name in names)

    def variables(self, given: dict[str, Any]) -> Values:
        """Return the values of its variables; raise RefusedError for wrong ones."""
        definitions = self.operation.variable_definitions or ()
        values = get_variable_values(schema(), definitions, given)
        if isinstance(values, list):
            raise RefusedError(*map(entry_of, values))
        return values

    def weigh(self, values: Values) -> Weight:
        """Return how much it may give; raise RefusedError if that is too much or has no bounds."""
        scales = _Scales(self, values)
        scales.weigh(self.operation.selection_set, schema().query_type, 1, ())
        if scales.entries:
            raise RefusedError(*scales.entries)
        if scales.nodes > MOST_NODES:
            raise RefusedError(
                {
                    "type": "MAX_NODE_LIMIT_EXCEEDED",
                    "message": f"This query requests up to {scales.nodes:,} possible nodes which "
                    f"exceeds the maximum limit of {MOST_NODES:,}.",
                }
            )
        return Weight(scales.nodes, max(1, round(scales.requests / 100)), scales.nested)


class _Scales:
    """Adds up nodes and requests of all connections of a query."""

    def __init__(self, query: Query, values: Values) -> None:
        self._query = query
        self._values = values
        self.nodes = self.nested = self.requests = 0
        self.entries: list[dict[str, Any]] = []

    def weigh(
        self,
        selected: SelectionSetNode,
        parent: GraphQLNamedType | None,
        times: int,
        path: tuple[str, ...],
    ) -> None:
        """Add what is below a selection that is made so many times."""
        for node, on in self._fields(selected, parent):
            definition = getattr(on, "fields", {}).get(node.name.value)
            if definition is None or node.selection_set is None:
                continue
            inner, below = get_named_type(definition.type), times
            here = (*path, (node.alias or node.name).value)
            if inner.name.endswith("Connection"):
                count = self._count(arguments(definition, node, self._values), node, here)
                self.requests += times
                self.nodes += times * count
                self.nested += times * count if times > 1 else 0
                below = times * count
            self.weigh(node.selection_set, inner, below, here)

    def _fields(
        self, selected: SelectionSetNode, parent: GraphQLNamedType | None
    ) -> Iterator[tuple[FieldNode, GraphQLNamedType | None]]:
        for node in selected.selections:
            if not is_included(node, self._values):
                continue
            if isinstance(node, FieldNode):
                yield node, parent
                continue
            condition, inner = fragment_of(node, self._query.fragments)
            on = schema().get_type(condition) if condition else parent
            yield from self._fields(inner, on)

    def _count(self, args: dict[str, Any], node: FieldNode, path: tuple[str, ...]) -> int:
        name = node.name.value
        for side in ("first", "last"):
            count = args.get(side)
            if count is None:
                continue
            if count > MOST_OF_A_CONNECTION:
                self._note(
                    "EXCESSIVE_PAGINATION",
                    f"Requesting {count} records on the `{name}` connection exceeds the "
                    f"`{side}` limit of {MOST_OF_A_CONNECTION} records.",
                    path,
                )
            elif count < 0:
                text = f"`{side}` on the `{name}` connection cannot be less than zero."
                self._note("ARGUMENT_ERROR", text, path)
            return int(count)
        self._note(
            "MISSING_PAGINATION_BOUNDARIES",
            f"You must provide a `first` or `last` value to properly paginate the `{name}` "
            "connection.",
            path,
        )
        return 0

    def _note(self, kind: str, message: str, path: tuple[str, ...]) -> None:
        self.entries.append({"type": kind, "path": list(path), "message": message})


class Queries:
    """Remembers the documents that were read last."""

    def __init__(self) -> None:
        self._documents: OrderedDict[str, DocumentNode | list[dict[str, Any]]] = OrderedDict()

    def read(self, text: str, operation_name: str | None) -> Query:
        """Return the operation of a text; raise RefusedError if it cannot be executed."""
        document = self._documents.get(text)
        if document is None:
            document = self._documents[text] = _checked(text)
            if len(self._documents) > _REMEMBERED:
                self._documents.popitem(last=False)
        if isinstance(document, list):
            raise RefusedError(*document)
        operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
        if operation_name:
            operations = [o for o in operations if o.name and o.name.value == operation_name]
        if len(operations) != 1:
            raise RefusedError({"message": f"No operation named {operation_name!r}"})
        fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        return Query(document, operations[0], fragments)


def _checked(text: str) -> DocumentNode | list[dict[str, Any]]:
    """Return a document that fits the schema, or what is wrong with it."""
    try:
        document = parse(text, max_tokens=20_000)
    except (GraphQLError, RecursionError) as error:
        return [{"message": f"Parse error: {error}"}]
    if problems := validate(schema(), document):
        return [entry_of(problem) for problem in problems]
    return document


def entry_of(error: GraphQLError) -> dict[str, Any]:
    """Return an error of the library as the answer has it."""
    entry: dict[str, Any] = {"message": error.message}
    if error.locations:
        entry["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    return entry
