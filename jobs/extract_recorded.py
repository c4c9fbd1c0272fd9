"""Extract from recordings: a step reads one chunk of a recorded file and stores it."""

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from integrations.models import Integration, QuarantinedRecord
from integrations.raw import store
from integrations.recordings import Position, RecordedFile, read_chunk
from jobs.actors.transform import quarantined, transform_step
from jobs.models import QueueEntry, Stage
from jobs.queue import Counts, NewStep, complete


def import_step(
    root: str, lines: int, file: RecordedFile, at: Position, *, for_importer: bool
) -> NewStep:
    """Return the step that reads a recorded file from a position on.

    for_importer: it is due only after a lease's time. The importing command, which certainly
    sees the directory, takes it at once by its id, and a worker only if that command has died.
    """
    put_off = timedelta(seconds=settings.STEP_LEASE_SECONDS if for_importer else 0)
    return NewStep(
        stage=Stage.EXTRACT,
        stream=file.stream,
        key=f"extract:{file.path}:{at.offset}",
        params={"root": root, "lines": lines, "file": asdict(file), "at": asdict(at)},
        run_at=timezone.now() + put_off,
    )


def read_recording(step: QueueEntry) -> None:
    """Read one chunk of a recorded file and store it."""
    params = step.params
    file, at = RecordedFile(**params["file"]), Position(**params["at"])
    chunk = read_chunk(Path(params["root"]), file, at, params["lines"], settings.MAX_RECORD_BYTES)
    integration: Integration = Integration.objects.get(pk=step.integration_id)
    with transaction.atomic():
        page = store(integration, file.stream, chunk.response, step.run_id)
        QuarantinedRecord.objects.filter(raw_page=page, reason="too_large").delete()
        QuarantinedRecord.objects.bulk_create(
            quarantined(step, page, problem) for problem in chunk.problems
        )
        successors = [transform_step(page, at.offset)]
        if chunk.following:
            alive = step.run_at > timezone.now()  # else the importer would have taken it
            root, lines = params["root"], params["lines"]
            successors.append(import_step(root, lines, file, chunk.following, for_importer=alive))
        complete(step, Counts(rows=1, quarantined=len(chunk.problems)), successors)
