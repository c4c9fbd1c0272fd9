"""Measures how soon an edit of rules is previewed, saved and taken back, on a million work items.

    python benchmarks/preview.py --items 1000000

The work items are made inside a PostgreSQL database of its own, with five or more changes each.
Edits that touch one item in twenty are previewed and saved at once; one of the workflow touches
them all and becomes a run, whose steps are worked here one after another. Each edit is saved and
taken back in every round; the figures are medians. Exit code: 0 when a preview of 5 % took at
most 2 seconds and saving it at most 10, and every preview said what saving did; else 1.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import preview_world
from processes import BenchError
from services import Database

DEFAULT_URL = "postgres://postgres@127.0.0.1:5432/etl_preview_bench"
MOST_SECONDS = {"preview": 2.0, "save": 10.0}


@dataclass
class Figures:
    """Seconds of one edit, a value a round, and how many work items it touches."""

    name: str
    is_bounded: bool = True
    touched: int = 0
    seconds: dict[str, list[float]] = field(default_factory=dict)
    is_wrong: bool = False

    def add(self, what: str, seconds: float) -> None:
        """Note one value."""
        self.seconds.setdefault(what, []).append(seconds)

    def median(self, what: str) -> float | None:
        """Return the median of what was measured."""
        values = self.seconds.get(what)
        return statistics.median(values) if values else None

    def is_slow(self) -> bool:
        """Tell whether it took longer than it may."""
        return self.is_bounded and any(
            (self.median(what) or 0) > most for what, most in MOST_SECONDS.items()
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    url = os.environ.get("DATABASE_URL") or DEFAULT_URL
    os.environ["DATABASE_URL"] = url
    try:
        database = Database(url)
        database.renew()
    except BenchError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        return _measure(options.items, options.rounds)
    finally:
        _disconnect()
        database.drop()


def _measure(items: int, rounds: int) -> int:
    tenant_id, _ = preview_world.fill(items, lambda text: print(text, flush=True))
    from tenants.scope import tenant_scope

    with tenant_scope(tenant_id):
        figures = [
            _saved(tenant_id, "status rule, 5 % were ever in it", _status_rule, rounds),
            _saved(tenant_id, "type rule, 5 % are of it", _type_rule, rounds),
            _prepared(tenant_id, "workflow, all of them", _workflow),
        ]
    return _tell(figures)


def _status_rule(tenant_id: int) -> None:
    from mappings.models import StatusMapping
    from mappings.services import save_status_rule

    save_status_rule(
        StatusMapping(
            tenant_id=tenant_id, from_name="blocked", target="Blocked", category="waiting"
        )
    )


def _type_rule(tenant_id: int) -> None:
    from mappings.models import WitHierarchy, WitMapping
    from mappings.services import save_type_rule

    level = WitHierarchy.objects.get(level=0)
    for number in range(preview_world.PROJECTS // 4):
        save_type_rule(
            WitMapping(
                tenant_id=tenant_id,
                project_key=f"P{number}",
                from_name="bug",
                target="Defect",
                hierarchy=level,
                integration_id=_integration_id(),
            )
        )


def _integration_id() -> int:
    from integrations.models import Integration

    key: int = Integration.objects.values_list("pk", flat=True).get()
    return key


def _workflow(tenant_id: int) -> None:
    from mappings.models import WorkflowStep

    WorkflowStep.objects.filter(name="In Progress").update(category="waiting")


def _saved(tenant_id: int, name: str, edit: Callable[[int], None], rounds: int) -> Figures:
    from mappings.editing import Author, apply, preview
    from mappings.models import ChangeSet
    from mappings.undo import undo

    author = Author(None, "bench")
    figures = Figures(name)
    for _ in range(rounds):
        said = _timed(figures, "preview", lambda: preview(tenant_id, lambda: edit(tenant_id)))
        made = _timed(
            figures,
            "save",
            lambda: apply(
                tenant_id,
                lambda: edit(tenant_id),
                author=author,
                origin=ChangeSet.Origin.FORM,
            ),
        )
        figures.touched = made.touched_count
        figures.is_wrong |= not _is_said(said.impact, made.touched_count)
        back = _timed(figures, "undo", partial(undo, made, author))
        figures.is_wrong |= back.touched_count != made.touched_count
    return figures


def _is_said(impact: Any, touched: int) -> bool:
    """Tell whether a preview said what saving did; where it says that it estimates, about so."""
    if any("estimated" in note for note in impact.notes):
        return bool(abs(impact.touched_count - touched) <= touched * 0.05)
    return bool(impact.touched_count == touched)


def _prepared(tenant_id: int, name: str, edit: Callable[[int], None]) -> Figures:
    from jobs.models import JobRun, Stage
    from jobs.steps import work_next
    from mappings.editing import Author, apply, preview
    from mappings.models import ChangeSet

    figures = Figures(name, is_bounded=False)
    _timed(figures, "preview", lambda: preview(tenant_id, lambda: edit(tenant_id)))
    author = Author(None, "bench")
    made = _timed(
        figures,
        "save",
        lambda: apply(
            tenant_id, lambda: edit(tenant_id), author=author, origin=ChangeSet.Origin.FORM
        ),
    )
    for stage, what in ((Stage.TRANSFORM, "prepare"), (Stage.LOAD, "switch")):
        _timed(figures, what, partial(_work, stage, work_next))
    made.refresh_from_db()
    figures.touched = made.touched_count
    run = JobRun.objects.get(pk=made.run_id)
    figures.is_wrong = (run.state, made.state) != ("completed", "applied")
    return figures


def _work(stage: str, work_next: Callable[..., bool]) -> None:
    while work_next(stage, "bench"):
        pass


def _timed(figures: Figures, what: str, do: Callable[[], Any]) -> Any:
    begun = time.perf_counter()
    result = do()
    figures.add(what, time.perf_counter() - begun)
    return result


def _tell(figures: list[Figures]) -> int:
    columns = ("preview", "save", "undo", "prepare", "switch")
    print(f"\n{'edit':<36}{'touched':>10}" + "".join(f"{name:>10}" for name in columns))
    for each in figures:
        medians = (each.median(name) for name in columns)
        cells = "".join(f"{'' if value is None else f'{value:.2f} s':>10}" for value in medians)
        print(f"{each.name:<36}{each.touched:>10,}{cells}")
    for each in figures:
        if each.is_wrong:
            print(f"WRONG: {each.name}: what was previewed or undone is not what was saved")
        if each.is_slow():
            print(f"TOO SLOW: {each.name}: at most 2 s to preview and 10 s to save")
    return int(any(each.is_wrong or each.is_slow() for each in figures))


def _disconnect() -> None:
    from django.db import connection

    connection.close()


if __name__ == "__main__":
    sys.exit(main())
