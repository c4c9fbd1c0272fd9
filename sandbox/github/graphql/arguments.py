"""Values of arguments and directives, computed once for a field of a query."""

from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
)
from graphql.execution import get_argument_values, get_directive_values

Values = Any
"""The values of a query's variables, in whatever form the library keeps them."""


def arguments(definition: GraphQLField, node: FieldNode, values: Values) -> dict[str, Any]:
    """Return the arguments of a field."""
    return get_argument_values(definition, node, values) if definition.args else {}


def is_included(node: SelectionNode, values: Values) -> bool:
    """Tell whether `@skip` and `@include` leave a selection in."""
    if not node.directives:
        return True
    skip = get_directive_values(GraphQLSkipDirective, node, values)
    if skip and skip["if"]:
        return False
    include = get_directive_values(GraphQLIncludeDirective, node, values)
    return not include or bool(include["if"])


def fragment_of(
    node: SelectionNode, fragments: dict[str, FragmentDefinitionNode]
) -> tuple[str | None, SelectionSetNode]:
    """Return the type that a fragment is about, None for any, and what it selects."""
    if isinstance(node, FragmentSpreadNode):
        named = fragments[node.name.value]
        return named.type_condition.name.value, named.selection_set
    assert isinstance(node, InlineFragmentNode)
    condition = node.type_condition.name.value if node.type_condition else None
    return condition, node.selection_set
