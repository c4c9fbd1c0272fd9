"""Files between their preview and their import: kept at the server, for who chose them."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from django.conf import settings

KEPT_SECONDS: Final = 3_600
_NAME: Final = "upload"


@dataclass(frozen=True)
class Upload:
    """A file of a table. version: of the rules when it was chosen."""

    user_id: int
    tenant_id: int
    table: str
    file_name: str
    is_replacing: bool
    version: int
    data: bytes


def keep(upload: Upload) -> str:
    """Keep a file for an hour; return the key by which it is found again.

    It lies where sessions lie, compressed, in one of its own that names no user: so every process
    finds it. Sessions that ran out, and files that nobody imported with them, go first.
    """
    store = _store(None)
    store.clear_expired()
    store[_NAME] = {
        "user_id": upload.user_id,
        "tenant_id": upload.tenant_id,
        "table": upload.table,
        "file_name": upload.file_name,
        "is_replacing": upload.is_replacing,
        "version": upload.version,
        "data": upload.data.decode("latin-1"),
    }
    store.set_expiry(KEPT_SECONDS)
    store.create()
    key: str = store.session_key
    return key


def find(key: str, user_id: int, tenant_id: int) -> Upload | None:
    """Return a kept file of this user in this tenant; None for any other key."""
    kept: dict[str, Any] | None = _store(key).get(_NAME)
    if kept is None or (kept["user_id"], kept["tenant_id"]) != (user_id, tenant_id):
        return None
    return Upload(**{**kept, "data": kept["data"].encode("latin-1")})


def forget(key: str) -> None:
    """Throw a kept file away."""
    _store(key).delete(key)


def _store(key: str | None) -> Any:
    engine = import_module(settings.SESSION_ENGINE)
    return engine.SessionStore(session_key=key)
