"""Where work happens and who does it: projects, repositories, sprints, people."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view

from tenants.api.fields import ModelSerializer
from tenants.api.filters import BooleanFilter, TextFilter
from warehouse.api.reading import BURIED, LOADED, DetailSet, LoadedFilters, TombstoneFilters
from warehouse.models import Account, Project, Repository, Sprint

_LOADED_AT: Final = {"fetched_at": "2026-03-01T08:00:00Z", "changed_seq": 4711}
_ALIVE: Final = {"deleted_at": None, "deleted_reason": None}


def described(singular: str, plural: str, tag: str) -> Any:
    """Return the decorator that describes a set's operations."""
    return extend_schema_view(
        list=extend_schema(summary=f"List {plural}", tags=[tag]),
        retrieve=extend_schema(summary=f"Read {singular}", tags=[tag]),
    )


def example(serializer_name: str, value: dict[str, Any]) -> OpenApiExample:
    """Return the example of a row."""
    return OpenApiExample(serializer_name, value=value, response_only=True)


class ProjectShown(ModelSerializer):
    """A project."""

    class Meta:
        model = Project
        fields = ("id", "integration", "source_id", "key", "name", "kind", *BURIED, *LOADED)


class ProjectFilters(TombstoneFilters):
    """Of projects."""

    key = TextFilter(label="The key, as `ACME`.")

    class Meta:
        model = Project
        fields = ()


@described("a project", "projects", "projects")
class ProjectsViewSet(DetailSet):
    """Projects of the sources."""

    model = Project
    serializer_class = ProjectShown
    filterset_class = ProjectFilters


class RepositoryShown(ModelSerializer):
    """A repository."""

    class Meta:
        model = Repository
        fields = (
            *("id", "integration", "source_id", "full_name", "default_branch"),
            *("is_private", "is_archived", "is_fork", "created_at", "updated_at", "pushed_at"),
            *BURIED,
            *LOADED,
        )


class RepositoryFilters(TombstoneFilters):
    """Of repositories."""

    full_name = TextFilter(label="Owner and name, as `acme/shop`.")
    is_archived = BooleanFilter(label="Whether it is archived.")

    class Meta:
        model = Repository
        fields = ()


@described("a repository", "repositories", "repositories")
class RepositoriesViewSet(DetailSet):
    """Repositories of the sources."""

    model = Repository
    serializer_class = RepositoryShown
    filterset_class = RepositoryFilters


class SprintShown(ModelSerializer):
    """A sprint."""

    class Meta:
        model = Sprint
        fields = (
            *("id", "integration", "source_id", "name", "state", "goal", "board_source_id"),
            *("started_at", "ends_at", "completed_at"),
            *BURIED,
            *LOADED,
        )


class SprintFilters(TombstoneFilters):
    """Of sprints."""

    state = TextFilter(label="`future`, `active` or `closed`, as the source says.")

    class Meta:
        model = Sprint
        fields = ()


@described("a sprint", "sprints", "sprints")
class SprintsViewSet(DetailSet):
    """Sprints of the boards."""

    model = Sprint
    serializer_class = SprintShown
    filterset_class = SprintFilters


class PersonShown(ModelSerializer):
    """An account of a person or a machine at a source."""

    class Meta:
        model = Account
        fields = (
            *("id", "integration", "source_id", "name", "login", "email", "kind", "is_active"),
            *LOADED,
        )


class PersonFilters(LoadedFilters):
    """Of accounts."""

    source_id = TextFilter(label="The account's id at the source, as work items name it.")
    login = TextFilter(label="The login.")
    email = TextFilter(label="The address, as it is spelt.")

    class Meta:
        model = Account
        fields = ()


@described("an account", "accounts of people and machines", "people")
class PeopleViewSet(DetailSet):
    """Accounts that the sources know; one person may have several."""

    model = Account
    serializer_class = PersonShown
    filterset_class = PersonFilters
