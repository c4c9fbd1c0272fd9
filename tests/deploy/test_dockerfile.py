"""The Dockerfile copies what is there, builds nothing, and ends as nobody in particular."""

import fnmatch
import json
import subprocess
from typing import Final

import pytest
from dockerfile_parse import DockerfileParser

from tests.conftest import ROOT

PARSED: Final = DockerfileParser(fileobj=(ROOT / "Dockerfile").open("rb"))
ROOMS: Final = (
    *("common", "tenants", "integrations", "mappings", "warehouse", "notices", "jobs"),
    *("etl_project", "sandbox", "templates", "static"),
)


def values(instruction: str) -> list[str]:
    """What the instructions of a kind say, in their order."""
    return [each["value"] for each in PARSED.structure if each["instruction"] == instruction]


def copied() -> list[str]:
    """What is copied from the checkout."""
    sources = []
    for value in values("COPY"):
        *given, _ = value.split()
        if not given[0].startswith("--from="):
            sources += given
    return sources


def test_everything_that_is_copied_is_there_and_sent_to_the_builder() -> None:
    kept = [
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    ]
    for source in copied():
        assert (ROOT / source).exists(), source
        assert source in kept, source
    assert set(kept) == set(copied())


def test_every_room_is_copied() -> None:
    assert set(ROOMS) <= set(copied())


@pytest.mark.parametrize("left_out", ["deploy", "tests", ".env", ".git", "var", ".venv"])
def test_secrets_and_tests_never_reach_the_image(left_out: str) -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert not any(fnmatch.fnmatch(left_out, rule[1:]) for rule in rules if rule[0] == "!")


def test_the_last_user_is_a_fixed_one_and_not_root() -> None:
    user, group = values("USER")[-1].split(":")
    assert int(user) > 999
    assert int(group) > 999
    assert f"--uid {user}" in " ".join(values("RUN"))


def test_the_command_is_executed_without_a_shell() -> None:
    command = json.loads(values("CMD")[-1])
    assert command[0] == "python"
    assert not values("ENTRYPOINT")


def test_the_last_stage_installs_nothing_and_has_no_compiler() -> None:
    last = max(n for n, each in enumerate(PARSED.structure) if each["instruction"] == "FROM")
    ran = " ".join(
        each["value"] for each in PARSED.structure[last:] if each["instruction"] == "RUN"
    )
    assert "pip install" not in ran
    assert "apt-get" not in PARSED.content
    assert "--only-binary :all:" in PARSED.content


def test_both_stages_come_from_one_pinned_image() -> None:
    first, last = PARSED.parent_images
    assert first == last
    assert last.startswith("python:3.")
    assert last.endswith("-slim-bookworm")
    assert last.count(".") == 2


def test_health_is_left_to_the_compose_file() -> None:
    assert not values("HEALTHCHECK")


def test_static_files_can_be_collected_as_the_build_does(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    (step,) = [value for value in values("RUN") if "collectstatic" in value]
    collect = step.partition("&&")[0].split()
    given = dict(each.split("=") for each in collect if "=" in each)
    var = tmp_path_factory.mktemp("var")
    done = subprocess.run(
        [ROOT / ".venv" / "bin" / "python", "manage.py", "collectstatic", "--noinput"],
        cwd=ROOT,
        env={**given, "VAR_DIR": str(var), "STATIC_ROOT": str(var / "collected")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert (var / "collected" / "etl" / "etl.css").is_file()
    assert not (var / "secret_key").exists()
