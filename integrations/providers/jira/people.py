"""Accounts: of Cloud by accountId, of Data Center by key or name."""

from common.errors import RecordError
from integrations.contract import AccountDraft

from .shapes import Person
from .values import MAX_ID_LENGTH


def account_draft(person: Person, authority: int) -> AccountDraft | None:
    """Return the draft of an account, None if all of its ids are empty; raise RecordError.

    login: the user name, which only Data Center has.
    """
    source_id = person.account_id or person.key or person.name
    if not source_id:
        return None
    if len(source_id) > MAX_ID_LENGTH:
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
