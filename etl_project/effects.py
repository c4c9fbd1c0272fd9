"""Puts the warehouse and the conductor together as `mappings.effects.Effects`."""

from jobs.control.runs import cancel
from jobs.models import JobRun
from jobs.remaps import start_remap
from mappings import field_use
from mappings.effects import register
from mappings.models import ChangeSet
from warehouse.effects import WarehouseEffects
from warehouse.field_use import WarehouseFieldUses


class Effects(WarehouseEffects):
    """Effects of edits on work items, computed at once or by a run."""

    def prepare(self, change_set: ChangeSet) -> int:
        """Start a run that prepares a stored change-set and puts it in effect; return its id."""
        return start_remap(change_set).pk

    def cancel(self, change_set: ChangeSet) -> None:
        """Cancel the run that prepares a change-set; it gives the change-set up when it ends."""
        run = JobRun.objects.filter(pk=change_set.run_id, state=JobRun.State.RUNNING).first()
        if run is not None:
            cancel(run)


def install() -> None:
    """Let the mappings use them."""
    register(Effects())
    field_use.register(WarehouseFieldUses())
