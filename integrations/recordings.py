"""Reads a directory of recorded responses: entities a line, or whole pages a file.

DIR/<provider>/<stream>.jsonl         an entity a line
DIR/<provider>/<stream>/<name>.json   a page as the API returned it
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from common.errors import PermanentError, UsageError
from integrations.contract import Connector, Problem
from integrations.raw import JSON, JSON_LINES, Response
from integrations.registry import connectors

METHOD = "IMPORT"
_READ_BYTES = 1024 * 1024


@dataclass(frozen=True)
class RecordedFile:
    """A file of a recording. path: below the recording's directory."""

    stream: str
    path: str


@dataclass(frozen=True)
class Position:
    """Where reading goes on in a file: bytes from its start, and the line that begins there."""

    offset: int = 0
    line: int = 1


@dataclass(frozen=True)
class Chunk:
    """Some lines, or a whole page, of a file. following: None at the file's end."""

    response: Response
    problems: list[Problem]
    following: Position | None


def recorded_providers(directory: Path) -> list[Connector]:
    """Return the providers that a directory has recordings of; raise UsageError if none."""
    if not directory.is_dir():
        raise UsageError(f"{directory} is no directory")
    found = [c for slug, c in sorted(connectors().items()) if recorded_files(directory, c)]
    if not found:
        expected = ", ".join(
            f"{slug}/{connector.streams[-1].name}.jsonl" for slug, connector in connectors().items()
        )
        raise UsageError(f"{directory} holds no recording: expected files such as {expected} in it")
    return found


def recorded_files(directory: Path, connector: Connector) -> list[RecordedFile]:
    """Return a provider's files in the order of its streams."""
    root = directory / connector.slug
    files: list[RecordedFile] = []
    for stream in connector.streams:
        paths = [root / f"{stream.name}.jsonl", *sorted((root / stream.name).glob("*.json"))]
        files += [
            RecordedFile(stream.name, str(path.relative_to(directory)))
            for path in paths
            if path.is_file()
        ]
    return files


def unknown_files(directory: Path, connector: Connector) -> list[str]:
    """Return the names in a provider's folder that no stream of it reads."""
    names = {stream.name for stream in connector.streams}
    return sorted(
        path.name
        for path in (directory / connector.slug).iterdir()
        if path.stem not in names and path.name not in names
    )


def read_chunk(
    directory: Path, file: RecordedFile, at: Position, lines: int, max_record_bytes: int
) -> Chunk:
    """Read up to `lines` lines, or the whole page, of a recorded file.

    A line longer than `max_record_bytes` is left out, with a problem that says where it is.
    """
    path = directory / file.path
    try:
        if path.suffix == ".json":
            return _read_page(path, file, max_record_bytes)
        return _read_lines(path, file, at, lines, max_record_bytes)
    except OSError as error:
        raise PermanentError(
            f"{path} cannot be read here ({error.strerror}): run import_raw again where it can"
        ) from None


def _read_page(path: Path, file: RecordedFile, max_bytes: int) -> Chunk:
    size = path.stat().st_size
    problems = []
    body = b""
    if size > max_bytes:
        problems.append(_too_large(0, size, max_bytes))
    else:
        body = path.read_bytes()
    return Chunk(_response(path, f"recording:{file.path}", body, JSON), problems, None)


def _read_lines(path: Path, file: RecordedFile, at: Position, lines: int, max_bytes: int) -> Chunk:
    body, problems = bytearray(), []
    offset, count = at.offset, 0
    with path.open("rb") as source:
        source.seek(offset)
        for line, size in _bounded_lines(source, max_bytes):
            if line is None:
                problems.append(_too_large(count, size, max_bytes))
                line = b"\n"
            body += line
            offset += size
            count += 1
            if count == lines or len(body) >= max_bytes:
                break
        ended = source.read(1) == b""
    url = f"recording:{file.path}#lines={at.line}-{at.line + count - 1}"
    following = None if ended else Position(offset, at.line + count)
    return Chunk(_response(path, url, bytes(body), JSON_LINES), problems, following)


def _bounded_lines(source: BinaryIO, max_bytes: int) -> Iterator[tuple[bytes | None, int]]:
    """Yield each line with its size; None for one that is too long, never held in memory."""
    while line := source.readline(max_bytes + 1):
        if len(line) <= max_bytes or line.endswith(b"\n"):
            yield line, len(line)
            continue
        size = len(line)
        while (more := source.readline(_READ_BYTES)) and not more.endswith(b"\n"):
            size += len(more)
        yield None, size + len(more)


def _too_large(position: int, size: int, max_bytes: int) -> Problem:
    return Problem(
        severity="record",
        reason="too_large",
        detail=f"{size:,} bytes; the limit is {max_bytes:,} (MAX_RECORD_BYTES)",
        position=position,
    )


def _response(path: Path, url: str, body: bytes, media_type: str) -> Response:
    seen_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return Response(METHOD, url, body, media_type, fetched_at=seen_at)


def place_of(url: str, position: int) -> str:
    """Return where a record of a page stands: `issues.jsonl:17`, or the page and its number."""
    location, _, lines = url.removeprefix("recording:").partition("#lines=")
    if lines:
        return f"{location}:{int(lines.partition('-')[0]) + position}"
    return f"{location} record {position}"
