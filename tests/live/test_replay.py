"""Recordings that are replayed and pulled over HTTP give the tables that importing them gives."""

from pathlib import Path

import pytest

from sandbox.replay import Recording
from tests.live.comparing import differences
from tests.live.running import sync, told
from tests.live.served import served
from tests.path.working import exported, hashes, load
from warehouse.export import TABLES

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_replayed_recording_gives_the_rows_that_importing_it_gives(recording: Path) -> None:
    with served(Recording(recording)) as source:
        for provider in ("jira", "github"):
            run = sync(source.connect(provider, tenant="live"))
            assert run.state == "completed", told(run)
        assert differences(source, "live") == []
        settings = source.ready["jira"]["settings"]
    load(recording, settings=settings, tenant="imported")
    for table in TABLES:
        assert exported(table, "live") == exported(table, "imported"), table
    assert hashes("live") == hashes("imported")
