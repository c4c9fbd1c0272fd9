"""Walks deployments: newest first, and those of the last thirty days again for their status."""

from datetime import timedelta
from typing import Final

from integrations.providers.github import queries
from integrations.providers.github.newest import Kind

STATUS_CHANGES_FOR: Final = timedelta(days=30)
"""How long after its creation a deployment is read again."""

DEPLOYMENTS: Final = Kind(
    stream="deployments",
    query=queries.DEPLOYMENTS,
    query_of_many=queries.DEPLOYMENTS_OF_MANY,
    connection=lambda repository: repository.deployments,
    changed_at=lambda node: node.created_at,
    member="created",
    lookback=lambda live: STATUS_CHANGES_FOR,
    most=lambda live: queries.MOST,
)
