"""Addresses of the site."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path
from django.views.generic import RedirectView

from jobs.views import run_progress


def healthz(request: HttpRequest) -> HttpResponse:
    """Say that this process answers; `manage.py doctor` checks what it depends on."""
    return HttpResponse("ok", content_type="text/plain")


urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("healthz", healthz, name="healthz"),
    path("runs/<int:run_id>/progress", run_progress, name="run_progress"),
    path("admin/", admin.site.urls),
]
