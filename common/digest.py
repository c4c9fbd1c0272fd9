"""Digests: one for what is stored, one to see whether a record changed."""

from hashlib import blake2b


def content_digest(body: bytes) -> str:
    """Return the hex digest (128 bits) that identifies a stored body."""
    return blake2b(body, digest_size=16).hexdigest()


def record_digest(body: bytes) -> int:
    """Return a signed 64-bit digest of a record's bytes, small enough to keep on every row."""
    return int.from_bytes(blake2b(body, digest_size=8).digest(), "big", signed=True)
