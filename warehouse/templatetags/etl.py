"""Filters of the templates: lengths of time, and the colour of a state or a category."""

from django import template

from mappings.models import StepCategory
from warehouse.explain_picture import tone_of
from warehouse.shown import TONES, duration

register = template.Library()
register.filter("duration", duration)


@register.filter
def tone(state: str | None) -> str:
    """Return the tone of a tag for a category or state; see `static/etl/etl.css`."""
    return TONES.get((state or "").lower(), "plain")


@register.filter
def tone_name(category: str | None) -> str:
    """Return the name of a category's colour; see `static/etl/explain.css`."""
    return tone_of(category or "")


@register.filter
def category(name: str | None) -> str:
    """Return a category as people read it."""
    labels = dict(StepCategory.choices)
    return str(labels.get(name or "", "Unmapped"))


@register.filter
def unlocalized(number: float) -> str:
    """Return a number as CSS and SVG write it, whatever the language."""
    return f"{number:g}"


@register.filter
def tenth(number: float) -> str:
    """Return units of the bar as percent of its width."""
    return f"{number / 10:.2f}"
