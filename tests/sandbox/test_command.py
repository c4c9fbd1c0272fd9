"""`manage.py sandbox` as a process: what it prints, how it ends, what it refuses."""

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from django.core.management import execute_from_command_line

ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND = [sys.executable, str(ROOT / "manage.py"), "sandbox"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_one_line_when_it_answers_and_ends_cleanly(number: signal.Signals) -> None:
    command = [*COMMAND, "--port", "0", "--items", "20"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        ready = json.loads(process.stdout.readline())
        for name in ("jira", "github"):
            assert ready[name].keys() == {"base_url", "user", "token", "settings"}
            assert all(isinstance(value, str) for value in ready[name]["settings"].values())
        with urllib.request.urlopen(ready["ledger"]) as answer:
            assert json.load(answer)["tables"]["work_items"] == 20
        process.send_signal(number)
        assert process.wait(20) == 0
        assert process.stdout.read() == b""
        assert process.stderr.read() == b""


def test_a_file_steers_it_before_the_first_request(tmp_path: Path) -> None:
    steering = tmp_path / "control.json"
    changes = {"do": [{"op": "jira.delete", "count": 3}]}
    rules = {"rules": [{"kind": "status", "value": 503, "match": "myself"}]}
    steering.write_text(json.dumps({"mutate": changes, "faults": rules}))
    command = [*COMMAND, "--port", "0", "--items", "20", "--control", str(steering)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        with urllib.request.urlopen(ready["ledger"]) as answer:
            assert json.load(answer)["tables"]["work_items"] == 17
        with pytest.raises(urllib.error.HTTPError, match="503"):
            urllib.request.urlopen(f"{ready['jira']['base_url']}/rest/api/3/myself")
        process.terminate()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--items", "0"], "--items is a number from 1 to"),
        (["--items", "many"], "invalid int value"),
        (["--replay", "/nowhere"], "holds neither"),
        (["--replay", "sandbox/recordings/acme", "--items", "5"], "do not go with it"),
        (["--user-zone", "Nowhere"], "There is no time zone 'Nowhere'"),
        (["--style", "nonsense"], "invalid choice"),
        (["--index-flicker", "2"], "a share from 0 to 1"),
        (["--latency-ms", "-1"], "must not be negative"),
        (["--control", "/nowhere.json"], "--control /nowhere.json"),
        (["--host", "203.0.113.1"], "Cannot listen on 203.0.113.1"),
    ],
)
def test_a_wrong_option_is_refused_with_2(
    options: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as refusal:
        execute_from_command_line(["manage.py", "sandbox", "--port", "0", *options])
    said = capsys.readouterr()
    assert (refusal.value.code, message in said.err) == (2, True), said.err
    assert said.out == ""
