"""Schemathesis sends what the schema permits and what it forbids, in the name of each role.

Bounded here; `make test-api` gives it all the time it wants.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.api.operations import operations
from tests.api.served import ROOT, SCHEMA, Site, served

pytestmark = [pytest.mark.slow]

SECONDS: Final = int(os.environ.get("SCHEMATHESIS_SECONDS", "25"))
ENOUGH: Final = 120
"""Seconds after which every operation has been asked, on a slow machine too."""
ROLES: Final = ("viewer", "editor", "admin", "operator")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site, with a token of each role."""
    with served(tmp_path_factory.mktemp("site")) as found:
        yield found


@pytest.mark.parametrize("role", ROLES)
def test_every_answer_is_as_the_schema_says(site: Site, role: str, tmp_path: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("st")),
        *("--config-file", str(ROOT / "tests" / "api" / "schemathesis.toml")),
        *("run", str(SCHEMA), "--url", site.address),
        *("--header", f"Authorization: Bearer {site.tokens[role]}"),
        *("--max-time", str(SECONDS), "--continue-on-failure", "--no-color"),
    ]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS * 3 + 300
    )
    assert done.returncode == 0, done.stdout[-20_000:] + site.log.read_text()[-3000:]
    if SECONDS >= ENOUGH:
        assert re.search(rf"Tested: {len(operations())}\b", done.stdout), done.stdout[-3000:]
