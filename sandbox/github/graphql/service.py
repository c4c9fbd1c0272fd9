"""The GraphQL address: reads a request, executes it, answers as GitHub does."""

from typing import Any

import msgspec
from graphql import execute_sync
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.exchange import exchange_of
from sandbox.github.answers import refuse_unknown, write
from sandbox.github.graphql.execute import Execution
from sandbox.github.graphql.nodes import Context
from sandbox.github.graphql.problems import RefusedError
from sandbox.github.graphql.queries import Queries, schema
from sandbox.github.graphql.roots import RESOLVERS
from sandbox.github.store import GitHubStore

_DOCS = "https://docs.github.com/graphql"


class _Ask(msgspec.Struct):
    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = msgspec.field(name="operationName", default=None)


def graphql_route(store: GitHubStore) -> Route:
    """Return the route of the GraphQL API."""
    queries = Queries()

    async def answer(request: Request) -> Response:
        exchange = exchange_of(request)
        if (refused := refuse_unknown(exchange, request.headers.get("authorization"))) is not None:
            return refused
        try:
            ask = msgspec.json.decode(exchange.body, type=_Ask)
        except msgspec.MsgspecError:
            text = "Problems parsing JSON"
            return write({"message": text, "documentation_url": _DOCS}, 400)
        try:
            query = queries.read(ask.query, ask.operation_name)
            if query.is_introspection:
                found = execute_sync(schema(), query.document, variable_values=ask.variables)
                return write(found.formatted)
            values = query.variables(ask.variables or {})
            weight = query.weigh(values)
        except RefusedError as refusal:
            return write({"errors": refusal.entries})
        exchange.points = weight.points
        if (heavy := _heavy(store, weight.nested)) is not None:
            return heavy
        assert exchange.token is not None
        execution = Execution(query, values, RESOLVERS, Context(store, exchange.token, weight))
        body: dict[str, Any] = {"data": execution.run()}
        if execution.errors:
            body["errors"] = execution.errors
        return write(body)

    return Route("/api/graphql", answer, methods=["POST"])


def _heavy(store: GitHubStore, nested: int) -> Response | None:
    """Return how a query of too many nested nodes fails, None if it does not."""
    options = store.organisation.options
    if not options.graphql_node_limit or nested <= options.graphql_node_limit:
        return None
    if options.graphql_heavy == "no_data":
        text = "Something went wrong while executing your query."
        return write({"data": None, "errors": [{"message": text}]})
    page = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
    if options.graphql_heavy == "504":
        text = "We couldn't respond to your request in time. Sorry about that."
        return write({"message": text, "documentation_url": _DOCS}, 504)
    return Response(page, 502, media_type="text/html")
