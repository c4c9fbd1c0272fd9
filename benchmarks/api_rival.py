"""The rival of benchmarks/api.py: work items as REST framework lists them out of the box.

A ModelViewSet with all columns, pages by number, and nobody who has to be known.
"""

import os
from typing import Any

from django.urls import URLPattern, URLResolver
from rest_framework import pagination, routers, serializers, viewsets

from warehouse.models import WorkItem


class Shown(serializers.ModelSerializer[Any]):
    """All columns."""

    class Meta:
        model = WorkItem
        fields = "__all__"


class Pages(pagination.PageNumberPagination):
    """Pages by number."""

    page_size = 100


class WorkItems(viewsets.ModelViewSet[Any]):
    """Work items of one tenant."""

    queryset = WorkItem._base_manager.filter(tenant_id=os.environ["API_TENANT"]).order_by("pk")
    serializer_class = Shown
    pagination_class = Pages


router = routers.DefaultRouter()
router.register("work-items", WorkItems)
urlpatterns: list[URLPattern | URLResolver] = [*router.urls]
