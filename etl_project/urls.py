"""Addresses of the site; those of its health are answered by `etl_project.health`."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from jobs.pages.live_state import live_state

handler400 = "etl_project.errors.bad_request"
handler403 = "etl_project.errors.permission_denied"
handler500 = "etl_project.errors.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("live/<str:kind>/<int:key>/", live_state, name="live_state"),
    path("admin/", admin.site.urls),
    path("api/", include("etl_project.api")),
]
