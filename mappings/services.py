"""Writing rules: every rule that is stored passes here, so that what is stored can be matched."""

from collections.abc import Iterable

from django.db import models

from common.errors import UsageError
from mappings.models import StatusMapping, WitMapping
from mappings.rules import fold


def save_type_rule(rule: WitMapping) -> WitMapping:
    """Store a type rule with its name folded; raise UsageError if it could match nothing."""
    rule.from_name = fold(rule.from_name)
    rule.project_key = rule.project_key.strip()
    if bool(rule.from_name) == (rule.from_level is not None):
        raise UsageError("a type rule matches by a name or by a level: give exactly one of them")
    _check_tenant(rule.tenant_id, (rule.integration, rule.hierarchy))
    rule.save()
    return rule


def save_status_rule(rule: StatusMapping) -> StatusMapping:
    """Store a status rule with its names folded; raise UsageError if it could match nothing.

    A rule that has a step takes its category from there.
    """
    rule.from_name, rule.type_name = fold(rule.from_name), fold(rule.type_name)
    rule.from_category = fold(rule.from_category)
    rule.project_key = rule.project_key.strip()
    if bool(rule.from_name) == bool(rule.from_category):
        raise UsageError(
            "a status rule matches by a name or by a category: give exactly one of them"
        )
    _check_tenant(rule.tenant_id, (rule.integration, rule.step))
    if rule.step is not None:
        rule.category = rule.step.category
    rule.save()
    return rule


def _check_tenant(tenant_id: int, named: Iterable[models.Model | None]) -> None:
    for row in named:
        if row is not None and getattr(row, "tenant_id", None) != tenant_id:
            raise UsageError(f"there is no {row._meta.verbose_name} {row.pk}")
