"""What docs/api-reading.md tells readers to type runs against a site, as it stands there."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.served import ROOT, Site, served

pytestmark = [pytest.mark.slow]

DOCUMENT = (ROOT / "docs" / "api-reading.md").read_text()
PROGRAMS = re.findall(r"^```python\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
WRITTEN = "http://localhost:8461"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site, with a token of each role."""
    with served(tmp_path_factory.mktemp("site")) as found:
        yield found


def test_there_are_programs_in_it() -> None:
    assert len(PROGRAMS) == 2
    assert all(WRITTEN in program for program in PROGRAMS)


@pytest.mark.parametrize("program", PROGRAMS, ids=["a data frame", "a copy"])
def test_a_program_of_the_document_runs(site: Site, program: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program.replace(WRITTEN, site.address)],
        cwd=tmp_path,
        env=os.environ | {"TOKEN": site.tokens["viewer"]},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"\d", done.stdout), "it shows no number"
