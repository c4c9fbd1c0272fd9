"""The pages of the rules, a file a page; importing one registers it."""

from importlib import import_module

for _page in (
    "types",
    "statuses",
    "hierarchies",
    "workflows",
    "sources",
    "custom_fields",
    "history",
):
    import_module(f"mappings.admin.{_page}")
