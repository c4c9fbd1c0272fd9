"""Merges what hangs on pull requests and their commits: mentions, and the order of commits."""

from warehouse.commit_order import order_commits
from warehouse.merge import (
    Batch,
    columns,
    drop_losers,
    execute,
    fetch,
    found,
    join_each,
    row_id,
    same_key,
    upsert,
)
from warehouse.tables import BY_NAME

PULLS = BY_NAME["pull_requests"]
COMMITS = BY_NAME["pull_request_commits"]
MENTIONS = BY_NAME["pull_request_mentions"]


def merge_mentions(batch: Batch, computed: dict[str, str]) -> int:
    """Merge the mentions of the staged pull requests and commits that won; return rows written.

    What an edited title, branch or body no longer mentions is removed. computed: as of `upsert`.
    """
    stage = MENTIONS.staging_name
    same_source = "s.raw_page_id = m.raw_page_id AND s.raw_position = m.raw_position"
    execute(
        f"DELETE FROM {stage} AS m WHERE NOT EXISTS (SELECT 1 FROM {PULLS.staging_name} s"
        f" WHERE s.repository = m.repository AND s.number = m.pull_request_number"
        f" AND {same_source}) AND NOT EXISTS (SELECT 1 FROM {COMMITS.staging_name} s"
        f" WHERE s.repository = m.repository AND s.sha = m.reference AND {same_source})"
    )
    removed = _remove_vanished(batch)
    drop_losers(MENTIONS)
    return removed + upsert(MENTIONS, batch, computed)


def _remove_vanished(batch: Batch) -> int:
    execute(f"CREATE INDEX stage_mentions_key ON {MENTIONS.staging_name} ({columns(MENTIONS.key)})")
    staged = f"SELECT 1 FROM {MENTIONS.staging_name} m WHERE {same_key(MENTIONS, 'm', 't')}"
    loaded = (
        f"{batch.owns('t')} AND t.repository = s.repository AND t.pull_request_number = s.number"
        f" AND t.place <> 'commit' AND NOT {found(staged)}"
    )
    return execute(
        f"DELETE FROM pull_request_mentions WHERE {row_id()} IN ("
        f"SELECT t.{row_id()} FROM {PULLS.staging_name} s"
        f" {join_each('pull_request_mentions', 't', loaded)})"
    )


def place_commits(batch: Batch) -> None:
    """Number the commits of every pull request that the staged commits belong to."""
    pulls = fetch(f"SELECT DISTINCT repository, pull_request_number FROM {COMMITS.staging_name}")
    batch.take(
        order_commits(
            batch.tenant_id,
            batch.integration_id,
            {(str(repository), int(number)) for repository, number in pulls},
            batch.changed_seq,
        )
    )
