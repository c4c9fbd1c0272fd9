"""A second tenant that is called the same in everything changes no byte of what one is shown."""

import difflib

import pytest

from tests.admin.twins import Ask, Twin, asks, crawled, everything

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def told(before: str, after: str) -> str:
    """Return the first lines that differ, from where they do."""
    lines = []
    for line in difflib.unified_diff(before.splitlines(), after.splitlines(), n=0):
        if line[0] in "+-" and line[:3] not in ("+++", "---"):
            lines.append(line[:160].rstrip())
    return "\n".join(lines[:6])


def differences(found: list[Ask], before: list[str], after: list[str]) -> dict[str, str]:
    """Return what is answered otherwise, by address."""
    return {
        f"{'GET' if ask.data is None else 'POST'} {ask.path}": told(one, other)
        for ask, one, other in zip(found, before, after, strict=True)
        if one != other
    }


def test_no_page_is_another_when_a_tenant_of_the_same_names_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The inbox shows any few items of a group, so all of them here.
    monkeypatch.setattr("mappings.admin.inbox_rows.EXAMPLES", 1000)
    ours = Twin("ours")
    found = [*asks(ours), *crawled(ours)]
    alone = everything(ours, found)
    Twin("theirs", is_other=True)
    changed = differences(found, alone, everything(ours, found))
    assert not changed, "\n\n".join(f"{where}\n{what}" for where, what in changed.items())
