"""Run commands and measure them from outside: wall clock, and the peak memory of each process."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_SAMPLE_SECONDS = 0.05
_STOP_SECONDS = 30
_LONGEST_SECONDS = 1_800


class BenchError(Exception):
    """The benchmark cannot give an honest figure; the message says why."""


@dataclass
class Peaks:
    """The highest resident memory of a process and of each of its descendants, in MB by pid."""

    by_pid: dict[int, float] = field(default_factory=dict)

    @property
    def largest(self) -> float:
        """The largest process, in MB."""
        return max(self.by_pid.values(), default=0.0)

    def sample(self, pid: int) -> None:
        """Note the kernel's high-water mark of the process and its descendants."""
        for each in (pid, *_descendants(pid)):
            peak = _high_water_mark(each)
            if peak:
                self.by_pid[each] = peak


@contextmanager
def watched(process: "subprocess.Popen[str]") -> Iterator[Peaks]:
    """Sample the memory of a running process until the block ends."""
    peaks, ended = Peaks(), threading.Event()

    def sample() -> None:
        while not ended.wait(_SAMPLE_SECONDS):
            peaks.sample(process.pid)

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peaks
        peaks.sample(process.pid)
    finally:
        ended.set()
        thread.join()


@dataclass(frozen=True)
class Finished:
    """A command that succeeded: its wall clock, start of the interpreter included."""

    seconds: float
    peaks: Peaks
    output: str


def run(command: Sequence[str], env: Mapping[str, str], cwd: Path) -> Finished:
    """Run a command to its end; raise BenchError with its last words if it fails."""
    began = time.perf_counter()
    with subprocess.Popen(
        command,
        env={**os.environ, **env},
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            with watched(process) as peaks:
                output, errors = process.communicate(timeout=_LONGEST_SECONDS)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise BenchError(f"{' '.join(command)} ran for {_LONGEST_SECONDS} s") from error
        except BaseException:
            process.kill()
            raise
        seconds = time.perf_counter() - began
    if process.returncode != 0:
        words = "\n".join((errors or output).strip().splitlines()[-8:])
        raise BenchError(f"{' '.join(command)} ended with {process.returncode}:\n{words}")
    return Finished(seconds, peaks, output)


@contextmanager
def service(
    command: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path
) -> Iterator["subprocess.Popen[str]"]:
    """Run a command beside the block, its output in a log, and end it politely after it."""
    with log.open("w") as file:
        process = subprocess.Popen(
            command,
            env={**os.environ, **env},
            cwd=cwd,
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                for pid in (*_descendants(process.pid), process.pid):
                    os.kill(pid, 9)
                process.wait()


def _descendants(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    children = [int(child) for child in text.split()]
    return children + [each for child in children for each in _descendants(child)]


def _high_water_mark(pid: int) -> float:
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0
