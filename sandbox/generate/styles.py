"""Two ways in which an organisation names things: what differs from tenant to tenant."""

from dataclasses import dataclass
from typing import Literal

Category = Literal["new", "indeterminate", "done"]


@dataclass(frozen=True)
class StatusStyle:
    """A status by name; the category is what the site says, which the name may contradict."""

    name: str
    category: Category


@dataclass(frozen=True)
class WorkflowStyle:
    """The usual path from first to last, where work waits beside it, and where it is dropped."""

    name: str
    path: tuple[StatusStyle, ...]
    waiting: StatusStyle
    dropped: StatusStyle

    @property
    def statuses(self) -> tuple[StatusStyle, ...]:
        """All statuses of the workflow."""
        return (*self.path, self.waiting, self.dropped)


@dataclass(frozen=True)
class ProjectStyle:
    """A project. own_names: team-managed, with types and statuses of its own ids."""

    key: str
    name: str
    workflow: WorkflowStyle
    own_names: bool = False
    sprints: bool = True


@dataclass(frozen=True)
class Style:
    """Everything that an organisation names. offset_minutes: the viewer's zone in Jira.

    The types are, in this order: the large one, three ordinary ones (the last is for defects),
    and the sub-task.
    """

    slug: str
    site: str
    owner: str
    offset_minutes: int
    time_zone: str
    types: tuple[str, str, str, str, str]
    retired_status: str
    projects: tuple[ProjectStyle, ...]
    repositories: tuple[str, ...]
    labels: tuple[str, ...]
    verbs: tuple[str, ...]
    things: tuple[str, ...]
    places: tuple[str, ...]


def _status(name: str, category: Category) -> StatusStyle:
    return StatusStyle(name, category)


_DELIVERY = WorkflowStyle(
    "Delivery Workflow",
    (
        _status("To Do", "new"),
        _status("Ready for Development", "new"),
        _status("In Progress", "indeterminate"),
        _status("In Review", "indeterminate"),
        _status("QA", "indeterminate"),
        _status("Ready for Release", "done"),
        _status("Done", "done"),
    ),
    _status("Blocked", "indeterminate"),
    _status("Won't Do", "done"),
)
_SIMPLE = WorkflowStyle(
    "Simple Workflow",
    (
        _status("To Do", "new"),
        _status("Selected", "new"),
        _status("In Progress", "indeterminate"),
        _status("Verifying", "indeterminate"),
        _status("Done", "done"),
    ),
    _status("On Hold", "new"),
    _status("Rejected", "done"),
)
_UMSETZUNG = WorkflowStyle(
    "Umsetzung",
    (
        _status("Offen", "new"),
        _status("In Analyse", "indeterminate"),
        _status("Eingeplant", "new"),
        _status("In Umsetzung", "indeterminate"),
        _status("Im Test", "indeterminate"),
        _status("Abnahme", "indeterminate"),
        _status("Fertig", "done"),
    ),
    _status("Wartet auf Kunde", "indeterminate"),
    _status("Verworfen", "indeterminate"),
)
_KANBAN = WorkflowStyle(
    "Betrieb Kanban",
    (
        _status("Backlog", "new"),
        _status("Doing", "indeterminate"),
        _status("Prüfung", "indeterminate"),
        _status("Ausrollen", "indeterminate"),
        _status("Fertig", "done"),
    ),
    _status("Geparkt", "new"),
    _status("Abgebrochen", "done"),
)

ACME = Style(
    slug="acme",
    site="https://acme.example.com",
    owner="acme",
    offset_minutes=-300,
    time_zone="America/New_York",
    types=("Epic", "Story", "Task", "Bug", "Sub-task"),
    retired_status="Triage",
    projects=(
        ProjectStyle("SHOP", "Online Shop", _DELIVERY),
        ProjectStyle("PAY", "Payments", _DELIVERY),
        ProjectStyle("OPS", "Platform Operations", _SIMPLE, own_names=True, sprints=False),
    ),
    repositories=("storefront", "payments-api"),
    labels=("frontend", "backend", "security", "tech-debt", "quick-win"),
    verbs=("Add", "Fix", "Speed up", "Remove", "Document", "Retry", "Validate", "Show"),
    things=("the basket", "card payments", "search results", "the invoice PDF", "UTF-8 names"),
    places=("on mobile", "for guests", "in the admin", "after a timeout", "at checkout"),
)
GLOBEX = Style(
    slug="globex",
    site="https://globex.example.com",
    owner="globex-industries",
    offset_minutes=60,
    time_zone="Europe/Berlin",
    types=("Vorhaben", "Anforderung", "Aufgabe", "Fehler", "Unteraufgabe"),
    retired_status="Eingang",
    projects=(
        ProjectStyle("LAGER", "Lagerverwaltung", _UMSETZUNG),
        ProjectStyle("A11Y", "Barrierefreiheit", _UMSETZUNG, own_names=True),
        ProjectStyle("BET", "Betrieb", _KANBAN, sprints=False),
    ),
    repositories=("lager", "portal", "infra"),
    labels=("kunde", "recht", "schnittstelle", "altlast"),
    verbs=("Ergänze", "Behebe", "Beschleunige", "Entferne", "Prüfe", "Zeige"),
    things=("die Bestandsliste", "den Etikettendruck", "die Anmeldung", "ISO-8601-Daten"),
    places=("im Portal", "für Prüfer", "bei Störung", "auf dem Scanner 📦"),
)
STYLES = {style.slug: style for style in (ACME, GLOBEX)}
