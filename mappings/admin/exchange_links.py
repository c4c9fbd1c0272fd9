"""Where a list of rules goes out as CSV and comes in."""

from django.urls import reverse

from mappings.exchange.tables import TABLES


def exchange_links(page: str, *, may_edit: bool) -> list[tuple[str, str]]:
    """Return titles and addresses for the list of a page (app_model)."""
    for table in TABLES.values():
        if table.page == page:
            links = [("Export CSV", reverse("admin:mappings_export", args=(table.slug,)))]
            if may_edit:
                address = f"{reverse('admin:mappings_exchange')}?table={table.slug}#{table.slug}"
                links.append(("Import CSV", address))
            return links
    return []
