"""Reads a directory of recorded responses: entities a line, or whole pages a file.

DIR/<provider>/<stream>.jsonl              an entity, or a page, a line
DIR/<provider>/<stream>/<path>.jsonl       the same
DIR/<provider>/<stream>/<path>.json        a page as the API returned it
"""

import os
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
_SUFFIXES = (".jsonl", ".json")
_SHOWN_NAMES = 5
_MAX_NAME = 170  # a step's key holds it, and an offset


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
        ignored = ", ".join(ignored_files(directory)[:_SHOWN_NAMES])
        raise UsageError(
            f"{directory} holds no recording: expected files such as {expected} in it"
            + (f"; there are {ignored}" if ignored else "")
        )
    return found


def recorded_files(directory: Path, connector: Connector) -> list[RecordedFile]:
    """Return a provider's files in the order of its streams; raise UsageError if one of them
    has a name that cannot be kept."""
    root = directory / connector.slug
    files: list[RecordedFile] = []
    for stream in connector.streams:
        paths = [root / f"{stream.name}.jsonl", *_below(root / stream.name)]
        files += [
            RecordedFile(stream.name, _kept_name(path, directory))
            for path in paths
            if path.suffix in _SUFFIXES and path.is_file()
        ]
    return files


def ignored_files(directory: Path) -> list[str]:
    """Return what no stream of any provider reads: files, and folders (`gitlab/`) all of whose
    files are such.

    Files beside the providers' folders are about the recording, but for those of lines.
    """
    read = {f.path for c in connectors().values() for f in recorded_files(directory, c)}
    ignored: list[str] = []
    for entry in _entries(directory):
        if not entry.is_dir():
            ignored += [entry.name] if entry.suffix == ".jsonl" else []
        elif not entry.name.startswith("."):
            names = [_kept_name(path, directory) for path in _below(entry)]
            unread = [name for name in names if name not in read]
            ignored += [f"{entry.name}/"] if unread and unread == names else []
            ignored += unread
    return ignored


def _below(folder: Path, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """Yield what is no folder in a folder and those in it, by name; a link to one is one too.

    above: the folders that this one is in, none of which is entered again by a link.
    """
    above |= {folder.resolve()}
    for entry in _entries(folder) if folder.is_dir() else ():
        if not entry.is_dir():
            yield entry
        elif entry.resolve() not in above:
            yield from _below(entry, above)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise UsageError(f"{folder} cannot be read: {error.strerror}") from None


def _kept_name(path: Path, directory: Path) -> str:
    name = str(path.relative_to(directory))
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise UsageError(f"the name of {os.fsencode(path)!r} is not UTF-8: rename it") from None
    if len(name) > _MAX_NAME:
        raise UsageError(f"{name}: longer than {_MAX_NAME} characters: rename it")
    return name


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
