"""Content-decoding of answers: gzip in bounded pieces, all members of it, whole or not at all."""

import zlib
from collections.abc import Iterable, Iterator
from typing import Final

from common.errors import PermanentError, TransientError

ACCEPTED: Final = "gzip"
"""What is asked for; nothing else is decoded."""

_PIECE: Final = 1 << 20
_GZIP: Final = zlib.MAX_WBITS | 16


def decoded(encoding: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the body in pieces of at most 1 MiB decoded, each as soon as it is there.

    encoding: the Content-Encoding. Raises TransientError for what is cut short or no gzip,
    PermanentError for an encoding that was not asked for.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        yield from chunks
    elif encoding in ("gzip", "x-gzip"):
        yield from _unzipped(chunks)
    else:
        raise PermanentError(f"the answer is encoded by {encoding[:40]!r}, which was not asked for")


def _unzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    unzip = zlib.decompressobj(_GZIP)
    is_begun = False
    for chunk in chunks:
        data = chunk
        while data:
            if unzip.eof:  # another member follows
                unzip = zlib.decompressobj(_GZIP)
            is_begun = True
            try:
                yield unzip.decompress(data, _PIECE)
            except zlib.error:
                raise _broken() from None
            data = unzip.unused_data if unzip.eof else unzip.unconsumed_tail
    if is_begun and not unzip.eof:
        raise _broken()


def _broken() -> TransientError:
    return TransientError("the answer is not encoded as its headers say, or is cut short")
