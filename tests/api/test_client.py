"""A client that a published generator makes of the schema reads the site that runs."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.served import SCHEMA, Site, served

pytestmark = [pytest.mark.slow]

READER = """
import sys
from etl_client import AuthenticatedClient
from etl_client.api.me import me
from etl_client.api.work_items import work_items_list, work_items_retrieve
from etl_client.models import Problem

address, token = sys.argv[1:]
with AuthenticatedClient(base_url=address, token=token, raise_on_unexpected_status=True) as client:
    print(me.sync(client=client).tenant)
    page = work_items_list.sync(client=client, page_size=5)
    item = work_items_retrieve.sync(page.results[0].id, client=client)
    print(item.key == page.results[0].key, item.created_at.tzinfo is not None)
    print(isinstance(work_items_retrieve.sync(987654321, client=client), Problem))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site, with a token of each role."""
    with served(tmp_path_factory.mktemp("site")) as found:
        yield found


def test_a_generated_client_reads_work_items(site: Site, tmp_path: Path) -> None:
    programs = Path(sys.executable).parent
    made = subprocess.run(
        [
            str(programs / "openapi-python-client"),
            *("generate", "--path", str(SCHEMA), "--meta", "none"),
            *("--output-path", str(tmp_path / "etl_client")),
        ],
        env=os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"},  # it calls ruff
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    (tmp_path / "reader.py").write_text(READER)
    told = subprocess.run(
        [sys.executable, "reader.py", site.address, site.tokens["viewer"]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines() == ["ours", "True True", "True"]
