"""The transform step: one raw page becomes one staged page."""

from collections.abc import Callable

from django.db import transaction

from integrations.contract import Problem
from integrations.models import QuarantinedRecord, RawPage
from integrations.recordings import place_of
from integrations.registry import connector_for
from jobs import isolation, remap_steps
from jobs.control import stopping
from jobs.models import QueueEntry, Stage
from jobs.queue import Counts, NewStep, complete, ensure_load_step, load_is_due
from warehouse.models import StagedPage
from warehouse.transform import Transformed, transform_page


def transform_step(page: RawPage, nth: int = 0, *, force: bool = False) -> NewStep:
    """Return the step that transforms a raw page. nth: tells apart pages of one body in a run."""
    return NewStep(
        stage=Stage.TRANSFORM,
        stream=page.stream,
        key=f"transform:{page.pk}:{nth}",
        params={"raw_page": page.pk, "force": force},
    )


def run_transform(step: QueueEntry) -> None:
    """Transform the raw page that the step names."""
    if remap_steps.is_of_mappings(step):
        remap_steps.prepare(step)
        return
    page: RawPage = RawPage.objects.select_related("integration").get(pk=step.params["raw_page"])
    connector = connector_for(page.integration.provider)
    done = transform_page(
        page,
        connector,
        force=bool(step.params.get("force")),
        deadly=step.params.get("deadly", ()),
        on_record=_on_record(),
    )
    with transaction.atomic():
        RawPage.objects.filter(pk=page.pk).update(record_count=done.record_count)
        set_aside = _quarantine(step, page, done)
        if done.row_count:
            StagedPage.objects.create(
                tenant_id=step.tenant_id,
                integration_id=step.integration_id,
                run_id=step.run_id,
                stream=page.stream,
                raw_page_id=page.pk,
                body=done.body,
                item_count=done.item_count,
            )
        counts = Counts(
            records=done.record_count,
            rows=done.row_count,
            skipped=len(done.unchanged),
            quarantined=set_aside,
        )
        complete(step, counts)
        load_when_due(step)


def _on_record() -> Callable[[int | None], None]:
    """Return what is told each record before it is read: it may raise, as the run is to stop."""
    note = isolation.on_record()

    def on_record(index: int | None) -> None:
        stopping.check()
        if note is not None:
            note(index)

    return on_record


def load_when_due(step: QueueEntry) -> None:
    """See to it that what the stream has staged is loaded, if anything is; last in the commit.

    While a load of the stream runs the next one is left time to gather: many small loads would
    only wait for each other.
    """
    if not StagedPage.objects.filter(run_id=step.run_id, stream=step.stream).exists():
        return
    others = QueueEntry.objects.filter(run_id=step.run_id, stream=step.stream).exclude(pk=step.pk)
    is_loading = others.filter(stage=Stage.LOAD, state=QueueEntry.State.RUNNING).exists()
    due = not is_loading and load_is_due(step.run_id, step.stream, except_step_id=step.pk)
    ensure_load_step(step.run, step.integration_id, step.stream, due)


def _quarantine(step: QueueEntry, page: RawPage, done: Transformed) -> int:
    """Replace what earlier transforms of the page set aside; return how much is set aside now.

    What stands from records that are loaded unchanged is as true of this run as of the earlier.
    """
    earlier = QuarantinedRecord.objects.filter(raw_page=page).exclude(reason="too_large")
    standing = earlier.filter(position__in=done.unchanged)
    earlier.exclude(position__in=done.unchanged).delete()
    standing.update(run_id=step.run_id)
    QuarantinedRecord.objects.bulk_create(
        quarantined(step, page, problem) for problem in done.problems
    )
    severities = standing.values_list("severity", flat=True)
    return sum(s != "note" for s in (*severities, *(p.severity for p in done.problems)))


def quarantined(step: QueueEntry, page: RawPage, problem: Problem) -> QuarantinedRecord:
    """Return the row that keeps a problem of a page."""
    return QuarantinedRecord(
        tenant_id=step.tenant_id,
        integration_id=step.integration_id,
        run_id=step.run_id,
        raw_page=page,
        stream=page.stream,
        severity=problem.severity,
        reason=problem.reason,
        detail=_storable(problem.detail),
        place=place_of(page.url, problem.position),
        position=problem.position,
        path=_storable(problem.path),
        excerpt=_storable(problem.excerpt),
    )


def _storable(text: str) -> str:
    """Return the text without what a database refuses: NUL and lone surrogates."""
    return text.replace("\0", "").encode(errors="replace").decode()
