"""Addresses of pages that Home leads to, as far as they are there."""

from django.urls import NoReverseMatch, reverse


def address(name: str, *args: object) -> str:
    """Return the address of a page of the admin; empty if there is no such page."""
    try:
        return reverse(f"admin:{name}", args=args)
    except NoReverseMatch:
        return ""


def inbox() -> str:
    """Return where values without a rule are dealt with."""
    return address("mappings_inbox") or reverse("admin:mappings_witmapping_changelist")
