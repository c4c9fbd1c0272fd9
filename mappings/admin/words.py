"""Errors as people read them."""

from common.errors import UsageError


def sentence(error: UsageError) -> str:
    """Return what an error says as a sentence."""
    text = str(error).rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."
