"""Where the recordings are, and what every test may rely on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db.backends.postgresql.operations import DatabaseOperations
from django.test import override_settings

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


@pytest.fixture(scope="session", autouse=True)
def quick_hashing() -> Iterator[None]:
    """Keep passwords of tests under a hash that costs nothing."""
    with override_settings(PASSWORD_HASHERS=["tests.hashing.QuickHasher"]):
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_flush() -> Iterator[None]:
    """Empty tables by DELETE: on PostgreSQL TRUNCATE makes new files for each table it empties.

    Foreign keys are not looked at meanwhile, which takes a superuser, as the tests' role is.
    """

    def sql_flush(
        operations: DatabaseOperations, style: object, tables: list[str], **options: object
    ) -> list[str]:
        if not tables:
            return []
        deletes = [f"DELETE FROM {operations.quote_name(table)};" for table in tables]
        role = "SET LOCAL session_replication_role = {};"
        return [role.format("replica"), *deletes, role.format("origin")]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", sql_flush)
        yield
