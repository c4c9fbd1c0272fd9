"""What every page of the admin has around it: sidebar, tenant chooser, badge."""

from collections.abc import Iterator
from typing import Any, Final

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse

from mappings.inbox import BADGE, count_unmapped
from tenants.permissions import EVERY, Capability, access_of

_INBOX: Final = "Inbox"

# (group, ((title, icon, page), …)); a page is app_model of an admin, whose list it then is, or
# the name of an address of the site. One that is not there is left out.
_GROUPS: Final = (
    (
        "Work",
        (
            ("Work items", "task_alt", "warehouse_workitem"),
            ("Pull requests", "merge", "warehouse_pullrequest"),
            ("Sprints", "sprint", "warehouse_sprint"),
            ("Projects", "folder_open", "warehouse_project"),
            ("Repositories", "source", "warehouse_repository"),
            ("Accounts", "person", "warehouse_account"),
        ),
    ),
    (
        "Sources",
        (
            ("Integrations", "hub", "integrations_integration"),
            ("Raw pages", "data_object", "integrations_rawpage"),
            ("Quarantine", "report", "integrations_quarantinedrecord"),
            ("Webhook deliveries", "webhook", "integrations_webhookdelivery"),
        ),
    ),
    (
        "Mappings",
        (
            (_INBOX, "inbox", "mappings_inbox"),
            ("WIT mappings", "category", "mappings_witmapping"),
            ("Hierarchies", "account_tree", "mappings_withierarchy"),
            ("Status mappings", "swap_horiz", "mappings_statusmapping"),
            ("Workflows", "linear_scale", "mappings_workflow"),
            ("Custom fields", "tune", "mappings_customfield"),
            ("History", "history", "mappings_changeset"),
            ("Import and export", "import_export", "mappings_exchange"),
        ),
    ),
    (
        "Runs",
        (
            ("Jobs", "event_repeat", "jobs_job"),
            ("Runs", "play_circle", "jobs_jobrun"),
            ("Queue and workers", "stacks", "jobs_queue"),
            ("Steps", "list", "jobs_queueentry"),
        ),
    ),
    (
        "Notices",
        (
            ("Notices", "notifications", "notices_notice"),
            ("Webhooks", "webhook", "notices_endpoint"),
            ("Deliveries", "outgoing_mail", "notices_delivery"),
        ),
    ),
    (
        "Tenant",
        (
            ("Members", "group", "tenants_membership"),
            ("Invitations", "mail", "tenants_invitation"),
            ("Tenant settings", "tune", "tenant_settings"),
        ),
    ),
    (
        "Platform",
        (
            ("Tenants", "apartment", "tenants_tenant"),
            ("Users", "manage_accounts", "auth_user"),
            ("Processes", "memory", "jobs_process"),
        ),
    ),
)
_NEEDS: Final = {"tenant_settings": Capability.EDIT_TENANT}
"""What pages that are no lists need; any other is for whoever may read."""
_ONE_TENANT: Final = ("tenant_settings", "mappings_inbox", "mappings_exchange")
"""Pages of one tenant, which say nothing in the scope of every tenant."""


def pages(request: HttpRequest) -> Iterator[tuple[str, str, str, str]]:
    """Give group, title, icon and address of each page that the user may open."""
    models = {
        f"{model._meta.app_label}_{model._meta.model_name}": model_admin
        for model, model_admin in admin.site._registry.items()
    }
    for group, entries in _GROUPS:
        for title, icon, page in entries:
            model_admin = models.get(page)
            if model_admin is not None:
                may = model_admin.has_module_permission(request)
            else:
                may = _may_open(request, page)
            address = _address(page, model_admin is not None) if may else None
            if address is not None:
                yield group, title, icon, address


def _may_open(request: HttpRequest, page: str) -> bool:
    access = access_of(request)
    if access is None or (page in _ONE_TENANT and access.current is None):
        return False
    return access.may(_NEEDS.get(page, Capability.READ))


def _address(page: str, is_list: bool) -> str | None:
    try:
        return reverse(f"admin:{page}_changelist" if is_list else f"admin:{page}")
    except NoReverseMatch:
        return None


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of the sidebar, with what the user may open."""
    home = {"title": "Home", "icon": "space_dashboard", "link": reverse("admin:index")}
    groups: list[dict[str, Any]] = [{"title": "", "items": [home]}]
    for group, title, icon, address in pages(request):
        if groups[-1]["title"] != group:
            groups.append({"title": group, "items": [], "collapsible": False})
        active = request.path.startswith(address)
        item = {"title": title, "icon": icon, "link": address, "active": active}
        if title == _INBOX and (count := count_unmapped()):
            item |= {"badge": f"{BADGE}+" if count > BADGE else str(count)}
            item |= {"badge_variant": "warning"}
        groups[-1]["items"].append(item)
    return groups


def tenant_name(request: HttpRequest) -> str:
    """Return the name of the tenant whose rows are shown."""
    access = access_of(request)
    if access is None:
        return ""
    return access.current.name if access.current else "Every tenant"


def tenant_choices(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the tenants to choose from, for `templates/unfold/helpers/site_dropdown.html`."""
    access = access_of(request)
    if access is None or (len(access.tenants) < 2 and not access.is_operator):
        return []
    current = access.current.pk if access.current else EVERY
    choices: list[tuple[Any, str]] = [(tenant.pk, tenant.name) for tenant in access.tenants]
    if access.is_operator:
        choices.insert(0, (EVERY, "Every tenant"))
    return [
        {
            "title": name,
            "link": str(key),
            "icon": "check" if key == current else "apartment",
            "attrs": {"aria-current": "true"} if key == current else {},
        }
        for key, name in choices
    ]


def environment(request: HttpRequest) -> list[str] | None:
    """Return the badge that says which installation this is."""
    label = settings.ENVIRONMENT
    if not label:
        return None
    return [label, "danger" if label.lower() == "production" else "info"]


def stylesheet(request: HttpRequest) -> str:
    """Return the address of our own styles, beside those of unfold."""
    return static("etl/etl.css")


def site_stylesheet(request: HttpRequest) -> str:
    """Return the address of the styles around every page."""
    return static("etl/site.css")


def bell_stylesheet(request: HttpRequest) -> str:
    """Return the address of the styles of the bell in the head."""
    return static("etl/bell.css")


def site_script(request: HttpRequest) -> str:
    """Return the address of what every page does."""
    return static("etl/site.js")


def live_script(request: HttpRequest) -> str:
    """Return the address of what keeps pages up to date."""
    return static("etl/live.js")


def tenant_logo(request: HttpRequest) -> str:
    """Return the address of the logo of the tenant in scope; empty without one."""
    access = access_of(request)
    tenant = access.current if access is not None else None
    if tenant is None or not tenant.logo_digest:
        return ""
    return f"{reverse('admin:tenant_logo', args=(tenant.pk,))}?v={tenant.logo_digest}"


def favicon(request: HttpRequest) -> str:
    """Return the address of the icon of the browser's tab."""
    return static("etl/favicon.svg")
