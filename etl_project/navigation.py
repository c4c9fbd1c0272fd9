"""What every page of the admin has around it: sidebar, tenant chooser, badge, login form."""

from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy

from tenants.permissions import EVERY, Capability, access_for, access_of

if TYPE_CHECKING:
    BaseLoginForm = AdminAuthenticationForm
else:
    from unfold.forms import AuthenticationForm as BaseLoginForm

# (group, ((title, icon, model), …)); a model is app_model of its admin's addresses.
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
        ),
    ),
    (
        "Mappings",
        (
            ("WIT mappings", "category", "mappings_witmapping"),
            ("Hierarchies", "account_tree", "mappings_withierarchy"),
            ("Status mappings", "swap_horiz", "mappings_statusmapping"),
            ("Workflows", "linear_scale", "mappings_workflow"),
        ),
    ),
    (
        "Runs",
        (
            ("Runs", "play_circle", "jobs_jobrun"),
            ("Queue", "stacks", "jobs_queueentry"),
        ),
    ),
    ("Tenant", (("Members", "group", "tenants_membership"),)),
    (
        "Platform",
        (
            ("Tenants", "apartment", "tenants_tenant"),
            ("Users", "manage_accounts", "auth_user"),
            ("Processes", "memory", "jobs_process"),
        ),
    ),
)
_OPERATORS_ONLY: Final = "Platform"


class LoginForm(BaseLoginForm):
    """Lets in whoever may see a tenant; being Django staff makes no difference."""

    def confirm_login_allowed(self, user: Any) -> None:
        if access_for(user) is None:
            raise ValidationError(
                self.error_messages["invalid_login"],
                code="invalid_login",
                params={"username": self.username_field.verbose_name},
            )


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of the sidebar that the user may open."""
    access = access_of(request)
    operates = access is not None and access.may(Capability.OPERATE)
    home = {"title": "Home", "icon": "space_dashboard", "link": reverse_lazy("admin:index")}
    groups: list[dict[str, Any]] = [{"title": "", "items": [home]}]
    for title, entries in _GROUPS:
        if title == _OPERATORS_ONLY and not operates:
            continue
        items = [
            {"title": name, "icon": icon, "link": reverse_lazy(f"admin:{model}_changelist")}
            for name, icon, model in entries
        ]
        groups.append({"title": title, "items": items, "collapsible": False})
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


def favicon(request: HttpRequest) -> str:
    """Return the address of the icon of the browser's tab."""
    return static("etl/favicon.svg")
