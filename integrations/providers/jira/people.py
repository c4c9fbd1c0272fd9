"""Accounts: of Cloud by accountId, of Data Center by key or name."""

from typing import Final

import msgspec

from common.errors import RecordError
from integrations.contract import EMBEDDED, MENTIONED, AccountDraft

from .shapes import PERSON, TEXT, Person
from .values import Copies, Reading, is_too_long


def account_draft(person: Person, authority: int) -> AccountDraft | None:
    """Return the draft of an account, None if all of its ids are empty; raise RecordError.

    login: the user name, which only Data Center has.
    """
    source_id = person.account_id or person.key or person.name
    if not source_id:
        return None
    if is_too_long(source_id):
        raise RecordError("too_long", f"an account id of {len(source_id)} characters")
    return AccountDraft(
        source_id=source_id,
        name=person.display_name,
        login=person.name,
        email=person.email_address,
        kind=person.account_type,
        is_active=person.active,
        authority=authority,
    )


def _mentioned(source_id: str) -> AccountDraft | None:
    return account_draft(Person(account_id=source_id), MENTIONED)


_EMBEDDED: Final = Copies(PERSON, lambda copy: account_draft(copy, EMBEDDED))
_IDS: Final = Copies(TEXT, _mentioned)


def embedded_person(
    raw: msgspec.Raw, path: str, people: dict[str, AccountDraft], reading: Reading
) -> str | None:
    """Return the id of an account, an object or its bare id, and keep a copy of the account.

    What is no account is null and a problem.
    """
    account = _EMBEDDED.known.get(bytes(raw)) or _read(raw, path, reading)
    if account is None:
        return None
    people.setdefault(account.source_id, account)
    return account.source_id


def _read(raw: msgspec.Raw, path: str, reading: Reading) -> AccountDraft | None:
    body = bytes(raw)
    try:
        return reading.copy(raw, _IDS if body.startswith(b'"') else _EMBEDDED, path)
    except RecordError as error:
        reading.null(error, body[:200].decode(errors="replace"))
        return None
