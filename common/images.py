"""Pictures that people upload: decoded within limits, drawn anew, kept as small PNGs of ours."""

import io
import warnings
from typing import Final

from PIL import Image, ImageOps

from common import sizes
from common.errors import UsageError

MAX_BYTES: Final = sizes.PICTURE
MAX_PIXELS: Final = 16_000_000
MAX_SIDE: Final = 8_000
FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF")


def small_png(data: bytes, *, longest: int = 256) -> bytes:
    """Return the first frame of a picture as a PNG whose longer side is at most `longest` pixels.

    Nothing of the given bytes survives but the pixels: no EXIF, text, profile, appended file or
    further frame. The file's name and stated type play no part. Raises UsageError, with a text
    for the person who chose the file, for whatever is no picture or is too large.
    """
    if not data:
        raise UsageError("The file is empty. Choose a PNG, JPEG, WebP or GIF picture.")
    if len(data) > MAX_BYTES:
        raise UsageError(
            f"The file has {len(data) / 1_048_576:.1f} MB; at most {MAX_BYTES // 1_048_576} MB "
            "are taken. Make it smaller and try again."
        )
    return _drawn(_decoded(data), longest)


def _decoded(data: bytes) -> Image.Image:
    """Return the first frame, its size looked at before a pixel of it is decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            opened = Image.open(io.BytesIO(data), formats=FORMATS)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        if isinstance(error, Image.DecompressionBombError):
            raise _too_large() from None
        raise UsageError(
            "The file is no picture that can be read here. Choose a PNG, JPEG, WebP or GIF; "
            "SVG is not taken."
        ) from None
    width, height = opened.size
    if width > MAX_SIDE or height > MAX_SIDE or width * height > MAX_PIXELS:
        raise _too_large(width, height)
    try:
        opened.seek(0)
        opened.load()
    except Exception:  # decoders raise anything at all on bytes made to hurt them
        raise UsageError(
            "The picture breaks off or is damaged. Save it again and try with that file."
        ) from None
    return opened


def _too_large(width: int = 0, height: int = 0) -> UsageError:
    size = f"The picture has {width:,} × {height:,} pixels" if width else "The picture is too large"
    return UsageError(
        f"{size}; at most {MAX_SIDE:,} on a side and {MAX_PIXELS // 1_000_000} million "
        "in all are taken. Make it smaller and try again."
    )


def _drawn(picture: Image.Image, longest: int) -> bytes:
    """Return the pixels, turned upright and made small, as a PNG."""
    upright = ImageOps.exif_transpose(picture)
    pixels = upright.convert("RGBA")
    pixels.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    # A new canvas has no metadata that a save could carry along.
    canvas = Image.new("RGBA", pixels.size)
    canvas.paste(pixels)
    out = io.BytesIO()
    canvas.save(out, "PNG", optimize=True)
    return out.getvalue()
