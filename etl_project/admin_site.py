"""The admin site: its dashboard, its tenant chooser, and who may enter."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from etl_project import palette
from etl_project.home import home
from etl_project.home.jobs import job_cards_fragment
from tenants.pages.password import OwnPasswordView
from tenants.pages.urls import page_urls
from tenants.permissions import CHOICE_KEY, EVERY, access_of

if TYPE_CHECKING:
    BaseSite = AdminSite
else:
    from unfold.sites import UnfoldAdminSite as BaseSite


class EtlAdminSite(BaseSite):
    """The only site: everything a person sees is here."""

    index_title = "Home"
    index_template = "admin/dashboard.html"
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        """Whoever may see a tenant may enter; see `tenants.permissions`."""
        return access_of(request) is not None

    def extra_urls(self) -> list[URLPattern]:
        """Addresses beside those of the models."""
        # Their package registers admins on this very site: there must be one before.
        inbox_urls = import_module("mappings.admin.inbox").inbox_urls
        exchange_urls = import_module("mappings.admin.exchange").exchange_urls
        bell_urls = import_module("notices.admin.bell").bell_urls
        notice_urls = import_module("notices.admin.mine").notice_urls
        queue_urls = import_module("jobs.pages.queue_page").queue_urls
        choice = self.admin_view(require_POST(choose_tenant))
        return [
            path("tenant/", choice, name="choose_tenant"),
            path("home/jobs/", self.admin_view(job_cards_fragment), name="home_jobs"),
            *page_urls(self),
            *inbox_urls(self),
            *exchange_urls(self),
            *notice_urls(self),
            *queue_urls(self),
            *bell_urls(self),
        ]

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Let people change their own password; unfold's page lets them guess the old one."""
        request.current_app = self.name
        view = OwnPasswordView.as_view(
            success_url=reverse("admin:password_change_done"),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        return view(request)

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Answer the command palette; unfold's own keeps answers across tenants."""
        return palette.search(request)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().index(request, {**home(request), **(extra_context or {})})


def choose_tenant(request: HttpRequest) -> HttpResponse:
    """Keep the posted choice of tenant in the session, and go home.

    A tenant that the user may not choose is answered like one that does not exist.
    """
    access = access_of(request)
    choice = request.POST.get("tenant", "")
    if access is None:
        raise Http404
    if choice == EVERY and access.is_operator:
        request.session[CHOICE_KEY] = EVERY
    elif choice in {str(tenant.pk) for tenant in access.tenants}:
        request.session[CHOICE_KEY] = int(choice)
    else:
        raise Http404
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure()):
        target = "/"
    return HttpResponseRedirect(target)
