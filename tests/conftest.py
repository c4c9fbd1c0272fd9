"""Where the recordings are, and what every test may rely on."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "recorded"
OWN = ROOT / "sandbox" / "recordings" / "acme"


@pytest.fixture(
    params=[
        pytest.param(OWN, id="own"),
        pytest.param(
            SHARED,
            id="shared",
            marks=pytest.mark.skipif(not SHARED.is_dir(), reason=f"{SHARED} is not there"),
        ),
    ]
)
def recording(request: pytest.FixtureRequest) -> Path:
    """A directory of recorded responses: our own, and the real ones where they are."""
    path: Path = request.param
    return path
