"""The API of all rooms under one address, its schema, and its documentation."""

from typing import Any

from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import TemplateView
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerSplitView
from rest_framework.routers import DefaultRouter

from etl_project.api_root import RootView
from etl_project.api_tenants import AllTenantsViewSet
from etl_project.openapi import RedocScriptView, SchemaView
from integrations.api import routes as integrations
from jobs.api import routes as jobs
from mappings.api import routes as mappings
from notices.api import routes as notices
from tenants.api import routes as tenants
from tenants.api.problem_kinds import KINDS
from tenants.api.problems import not_found
from warehouse.api import routes as warehouse

ROOMS = (tenants, integrations, mappings, warehouse, notices, jobs)
"""Each names VIEW_SETS (prefix, view set, name of its routes) and PATHS (any other view)."""


def _router() -> DefaultRouter:
    router = DefaultRouter()
    router.include_root_view = False
    router.include_format_suffixes = False
    router.register("tenants", AllTenantsViewSet, basename="tenant")
    for room in ROOMS:
        for prefix, view_set, basename in room.VIEW_SETS:
            router.register(prefix, view_set, basename=basename)
    return router


def _v1() -> list[URLPattern | URLResolver]:
    paths = [each for room in ROOMS for each in room.PATHS]
    named = [*paths, *_router().urls]
    places = {str(each.pattern).strip("^$").rstrip("/"): each for each in named}
    names = {
        place: str(each.name)
        for place, each in places.items()
        if "/" not in place and _is_read(each)
    }
    return [path("", RootView.as_view(names=names), name="root"), *named]


def _is_read(pattern: URLPattern) -> bool:
    view: Any = pattern.callback
    return "get" in getattr(view, "actions", ()) or hasattr(view.cls, "get")


urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", include((_v1(), "api"), namespace="api")),
    path("schema/", SchemaView.as_view(), name="api_schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api_schema"), name="api_docs"),
    path(
        "docs/redoc/",
        SpectacularRedocView.as_view(url_name="api_schema", template_name="api/redoc.html"),
        name="api_redoc",
    ),
    path("docs/redoc/redoc.js", RedocScriptView.as_view(), name="api_redoc_script"),
    path(
        "docs/problems/",
        TemplateView.as_view(template_name="api/problems.html", extra_context={"kinds": KINDS}),
        name="api_problems",
    ),
    re_path("", not_found),
]
