"""The truth about an organisation, computed from what it holds and not through its APIs."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from sandbox.github import ledger as github
from sandbox.jira import ledger as jira

if TYPE_CHECKING:
    from sandbox.organisation import Organisation

Row = dict[str, Any]
_LINES_A_CHUNK = 500


def ledger_routes(organisation: "Organisation") -> list[BaseRoute]:
    """Return the routes of `/ledger`."""

    async def counts(request: Request) -> Response:
        clock = f"{organisation.clock.moment:%Y-%m-%dT%H:%M:%S}Z"
        return JSONResponse({"clock": clock, "tables": table_counts(organisation)})

    async def rows(request: Request) -> Response:
        table = tables(organisation).get(request.path_params["table"])
        if table is None:
            names = ", ".join(tables(organisation))
            return JSONResponse({"error": f"the tables are {names}"}, status_code=404)
        return StreamingResponse(_lines(table), media_type="application/x-ndjson")

    async def gone(request: Request) -> Response:
        return JSONResponse({**jira.gone(organisation.jira), **github.gone(organisation.github)})

    async def requests(request: Request) -> Response:
        limits = organisation.limits
        return JSONResponse(
            {
                **organisation.log.counts(),
                "refused": limits.refused,
                "violations": len(limits.violations),
                "violating": limits.violations[:100],
            }
        )

    async def entries(request: Request) -> Response:
        return StreamingResponse(_lines(organisation.log.entries()), media_type="text/plain")

    return [
        Route("/ledger", counts),
        Route("/ledger/rows/{table}", rows),
        Route("/ledger/gone", gone),
        Route("/ledger/requests", requests),
        Route("/ledger/requests/entries", entries),
    ]


def tables(organisation: "Organisation") -> dict[str, Iterable[Row]]:
    """Return the rows of each table that a warehouse holds which loaded everything rightly.

    Everything is what the account `full` sees.
    """
    return {**jira.tables(organisation.jira), **github.tables(organisation.github)}


def table_counts(organisation: "Organisation") -> dict[str, int]:
    """Return how many rows each table has."""
    return {**jira.counts(organisation.jira), **github.counts(organisation.github)}


async def _lines(rows: Iterable[Row]) -> AsyncIterator[bytes]:
    """Yield rows as JSON lines, some hundred at a time; others are answered in between."""
    chunk: list[bytes] = []
    for row in rows:
        chunk.append(msgspec.json.encode(row))
        if len(chunk) == _LINES_A_CHUNK:
            yield b"\n".join(chunk) + b"\n"
            chunk.clear()
            await asyncio.sleep(0)
    if chunk:
        yield b"\n".join(chunk) + b"\n"
