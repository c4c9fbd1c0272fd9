"""How large what is sent to the site may be, in bytes: every limit of a body, in one place."""

from typing import Final

CREDENTIALS: Final = 64 * 1024
"""Of whoever is nobody yet: a name and a password, or a token."""
FORM: Final = 2_621_440
"""Of the fields of a form, without its files."""
JSON: Final = 5 * 1024 * 1024
"""Of the API, deliveries of webhooks and raw pages included."""
SHEET: Final = 5_000_000
"""Of a CSV file of rules."""
PICTURE: Final = 2 * 1024 * 1024
"""Of a logo, before it is drawn anew."""
UPLOAD: Final = 8 * 1024 * 1024
"""Of a form with its files. More than each file may have, so that its page says what is wrong."""

BODIES: Final = (
    ("/api/v1/auth/", CREDENTIALS),
    ("/api/", JSON),
    ("/admin/", UPLOAD),
    ("/", CREDENTIALS),
)
"""What the server takes at all, by the beginning of the address: the first that fits."""


def most_bytes(path: str) -> int:
    """Return how many bytes a body sent to this path may have."""
    return next((most for beginning, most in BODIES if path.startswith(beginning)), CREDENTIALS)
