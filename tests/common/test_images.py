"""Uploaded pictures: what is taken, what is refused and how, and what is left of the bytes."""

import io
import struct
import zlib

import pytest
from PIL import Image

from common.errors import UsageError
from common.images import small_png

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"


def drawn(size: tuple[int, int] = (40, 30), kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(out, kind, **options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def declared_png(width: int, height: int) -> bytes:
    """A PNG that says it is this large; its pixels would be made only by decoding it."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1024))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_picture_becomes_a_small_png(kind: str) -> None:
    result = opened(small_png(drawn((1000, 500), kind)))
    assert (result.format, result.size) == ("PNG", (256, 128))
    red, green, _blue, alpha = result.convert("RGBA").tobytes()[-4:]
    assert (red > 180, green < 60, alpha) == (True, True, 255)


def test_a_small_picture_keeps_its_size_and_its_transparency() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (20, 10), (0, 0, 0, 0)).save(out, "PNG")
    result = opened(small_png(out.getvalue()))
    assert result.size == (20, 10)
    assert result.getpixel((3, 3)) == (0, 0, 0, 0)


def test_the_longer_side_is_what_was_asked_for() -> None:
    assert opened(small_png(drawn((50, 400)), longest=64)).size == (8, 64)


def test_nothing_but_pixels_survives_and_the_picture_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    exif[0x010E] = "taken at 52.5N 13.4E"
    data = drawn((60, 20), "JPEG", exif=exif, comment=b"a secret") + HTML
    result = small_png(data)
    assert opened(result).size == (20, 60)
    assert not opened(result).getexif()
    for trace in (b"taken", b"secret", b"script", b"Exif"):
        assert trace not in result


def test_a_picture_that_is_also_a_script_is_only_a_picture_afterwards() -> None:
    gif = drawn((10, 10), "GIF")
    result = small_png(gif + b"/*" + HTML + b"*/=1;")
    assert result.startswith(b"\x89PNG")
    assert b"alert" not in result


def test_of_five_hundred_frames_the_first_is_taken() -> None:
    frames = [Image.new("P", (10, 10), color=index % 250) for index in range(500)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=20)
    result = opened(small_png(out.getvalue()))
    assert getattr(result, "n_frames", 1) == 1
    assert result.size == (10, 10)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(b"", "empty", id="no bytes"),
        pytest.param(SVG, "SVG is not taken", id="svg"),
        pytest.param(HTML, "no picture", id="html"),
        pytest.param(b"GIF89a" + HTML, "picture", id="html behind the sign of a GIF"),
        pytest.param(drawn((300, 300), "JPEG")[:600], "picture", id="truncated jpeg"),
        pytest.param(drawn((300, 300))[:120], "picture", id="truncated png"),
        pytest.param(declared_png(20_000, 20_000), "too large", id="bomb"),
        pytest.param(declared_png(9_000, 9_000), "9,000 × 9,000", id="large"),
        pytest.param(declared_png(1, 8_001), "8,001", id="long"),
        pytest.param(declared_png(0, 10), "picture", id="no width"),
        pytest.param(declared_png(3_000, 3_000), "damaged", id="pixels missing"),
        pytest.param(drawn((10, 10), "TIFF"), "no picture", id="a format not taken"),
        pytest.param(b"\0" * 2048, "no picture", id="nothing in it"),
        pytest.param(b"x" * (2 * 1024 * 1024 + 1), "at most 2 MB", id="too many bytes"),
    ],
)
def test_whatever_is_no_picture_is_refused_with_words(data: bytes, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        small_png(data)
