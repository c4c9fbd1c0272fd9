"""Filters of the templates: lengths of time, and the colour of a state."""

from django import template

from warehouse.shown import TONES, duration

register = template.Library()
register.filter("duration", duration)


@register.filter
def tone(state: str | None) -> str:
    """Return the tone of a tag for a category or state; see `static/etl/etl.css`."""
    return TONES.get((state or "").lower(), "plain")
