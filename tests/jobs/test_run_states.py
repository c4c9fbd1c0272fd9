"""Whatever is done to a run, and in whichever order, its progress is what its rows are.

By the luck of a seed runs are started, paused, resumed, cancelled and retried, steps are worked,
skipped, discarded and replayed, and workers die. After each act counts have not fallen, and no
share passes a total that is known; at the end everything can be worked to its end, and nothing is
left behind.
"""

import random
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from common.errors import PermanentError, UsageError
from jobs import queue, retries, runs, steps, sweeper
from jobs.control import runs as control
from jobs.control import steps as step_control
from jobs.models import JobRun, QueueEntry, Stage
from jobs.progress import progress_of
from jobs.queue import Counts, NewStep
from tenants.scope import every_tenant, tenant_scope
from tests.jobs.conftest import make_run

PAGES = 4
RECORDS = 10
COUNTED = ("records", "rows", "done")


def extract(step: QueueEntry) -> None:
    """Read a page: it makes its transform step and, but for the last one, the next page's."""
    page = step.params["page"]
    following = [NewStep(Stage.TRANSFORM, "issues", f"transform:{page}", {"page": page})]
    if page + 1 < PAGES:
        following.append(NewStep(Stage.EXTRACT, "issues", f"page:{page + 1}", {"page": page + 1}))
    with transaction.atomic():
        queue.complete(step, Counts(rows=1), following)


def transform(step: QueueEntry) -> None:
    """Turn the page into records, of which a load step takes care."""
    page = step.params["page"]
    load = NewStep(Stage.LOAD, f"issues-{page}", f"load:{page}", {"page": page})
    with transaction.atomic():
        queue.complete(step, Counts(records=RECORDS), [load])


def load(step: QueueEntry) -> None:
    """Load the records."""
    with transaction.atomic():
        queue.complete(step, Counts(records=RECORDS, rows=RECORDS))


STAGES = (Stage.EXTRACT, Stage.TRANSFORM, Stage.LOAD)
ACTS = 60
SEEDS = [*range(6), *(pytest.param(n, marks=pytest.mark.thorough) for n in range(6, 60))]


class Runs:
    """One integration and its runs, one after the other; luck decides what happens."""

    def __init__(self, seed: int) -> None:
        self.luck = random.Random(seed)
        self.before: dict[str, int] = {}
        self.told: list[str] = []
        self.run = make_run()
        self._begin(self.run)

    def act(self) -> None:
        """Do one thing; then look at what holds."""
        work = [self.work] * 6
        others = [self.a_worker_dies, self.a_step_fails_for_good, self.retry, self.sweep]
        asked = [self.control_the_run] * 3 + [self.leave_out_or_replay] * 2
        acts = [*work, *others, *asked, self.start_the_next]
        chosen = self.luck.choice(acts)
        self.told.append(chosen.__name__)
        chosen()
        self.counts_have_not_fallen_and_pass_no_total()
        self.progress_is_what_the_rows_are()

    # ---- what happens

    def work(self) -> None:
        stage = self.luck.choice(STAGES)
        is_paused = self._now()["is_paused"]
        assert not (steps.work_next(stage, "worker:1:a") and is_paused)

    def a_worker_dies(self) -> None:
        stage = self.luck.choice(STAGES)
        step = queue.claim(stage, "worker:2:b")
        if step is not None:
            with every_tenant("test"):
                long_ago = timezone.now() - timedelta(minutes=1)
                QueueEntry.objects.filter(pk=step.pk).update(leased_until=long_ago)
            sweeper.sweep()

    def a_step_fails_for_good(self) -> None:
        stage = self.luck.choice(STAGES)
        step = queue.claim(stage, "worker:1:a")
        if step is not None:
            retries.fail(step, PermanentError("the page is broken"))
            runs.finish_if_done(step.run_id)

    def control_the_run(self) -> None:
        ask = self.luck.choice((control.pause, control.resume, control.resume, control.cancel))
        self._try(lambda: ask(self.run, "ann"))

    def retry(self) -> None:
        was = self._now()["state"]
        if self._try(lambda: control.retry_failed(self.run)) and was != "running":
            self._goes_on_again()

    def leave_out_or_replay(self) -> None:
        how = self.luck.choice(("skip", "discard", "replay"))
        with every_tenant("test"):
            found = list(QueueEntry.objects.filter(run=self.run).order_by("id"))
        step = self.luck.choice(found)
        if how == "replay":
            was = self._now()["state"]
            if self._try(lambda: step_control.replay(step)) and was != "running":
                self._goes_on_again()
        else:
            self._try(lambda: getattr(step_control, how)(step, "not wanted", "ann"))

    def sweep(self) -> None:
        sweeper.sweep()

    def start_the_next(self) -> None:
        if not self._now()["is_finished"]:
            return
        with tenant_scope(self.run.tenant_id):
            integration = self.run.integration
            following = runs.start(integration, JobRun.Trigger.MANUAL, JobRun.Mode.FULL)
        self.before = {}
        self._begin(following)

    # ---- what holds

    def counts_have_not_fallen_and_pass_no_total(self) -> None:
        now = self._now()
        for name in COUNTED:
            assert now[name] >= self.before.get(name, 0), name
        self.before = {name: now[name] for name in COUNTED}
        assert now["records"] <= PAGES * RECORDS
        if now["percent"] is not None:
            assert 0 <= now["percent"] <= 100
            assert now["percent"] < 100 or now["is_finished"]
        if now["percent"] is None:
            assert not now["is_total_known"]

    def progress_is_what_the_rows_are(self) -> None:
        now = self._now()
        with every_tenant("test"):
            rows = list(QueueEntry.objects.filter(run=self.run))
        done = [row for row in rows if row.state == "done"]
        of = {stage: [row for row in done if row.stage == stage] for stage in Stage}
        assert now["records"] == sum(row.record_count for row in of[Stage.TRANSFORM])
        assert now["rows"] == sum(row.row_count for row in of[Stage.LOAD])
        assert now["dead"] == sum(row.state == "dead" for row in rows)
        still_open = sum(row.state in QueueEntry.OPEN for row in rows)
        assert now["open"] == still_open
        assert not (now["is_finished"] and still_open)
        assert not (now["is_finished"] and now["is_paused"])

    # ---- parts

    def _begin(self, run: JobRun) -> None:
        self.run = run
        with tenant_scope(run.tenant_id):
            queue.enqueue(run, [NewStep(Stage.EXTRACT, "issues", "page:0", {"page": 0})])

    def _goes_on_again(self) -> None:
        """A run that had ended begins anew where it stopped: dead steps are done no more."""
        self.before = {name: self._now()[name] for name in COUNTED}

    def _try(self, act: Any) -> bool:
        try:
            act()
        except UsageError:
            return False
        return True

    def _now(self) -> dict[str, Any]:
        with every_tenant("test"):
            self.run = JobRun.objects.select_related("integration").get(pk=self.run.pk)
        with tenant_scope(self.run.tenant_id):
            return dict(progress_of(self.run))

    def drain(self) -> None:
        """Work everything to its end; then what was loaded is what the rows say."""
        self._try(lambda: control.resume(self.run))
        for _ in range(16 * PAGES):
            if not any(steps.work_next(stage, "worker:3:c") for stage in HANDLERS):
                break
        sweeper.sweep()
        now = self._now()
        assert now["is_finished"], now
        self.progress_is_what_the_rows_are()
        if now["state"] == "completed":
            assert now["records"] == now["rows"] == PAGES * RECORDS


HANDLERS: dict[str, steps.Handler] = {
    Stage.EXTRACT: extract,
    Stage.TRANSFORM: transform,
    Stage.LOAD: load,
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", SEEDS)
def test_progress_is_right_in_every_state_in_every_order(
    handlers: dict[str, steps.Handler], seed: int
) -> None:
    handlers.update(HANDLERS)
    running = Runs(seed)
    for _ in range(ACTS):
        running.act()
    running.drain()
