"""The schema is the file in the repository, and tells of each operation what a caller needs."""

from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from tests.api.operations import Operation, body_schema, document, operations

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml"
OPERATIONS = [pytest.param(each, id=str(each)) for each in operations()]


def test_the_schema_in_the_repository_is_that_of_the_code(tmp_path: Path) -> None:
    made = tmp_path / "openapi.yaml"
    call_command("spectacular", file=str(made), validate=True, fail_on_warn=True)
    assert made.read_text() == SCHEMA.read_text(), "make schema writes it anew"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_tells_what_it_does_needs_and_answers(operation: Operation) -> None:
    told = operation.schema
    assert 5 < len(told["summary"]) < 100
    assert "Needs " in told["description"]
    assert told["tags"] != ["v1"]
    problems = [status for status in told["responses"] if status[0] == "4"]
    assert {"400", "401", "404"} <= set(problems)
    assert any(status[0] in "23" for status in told["responses"])


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_body_has_an_example(operation: Operation) -> None:
    if body_schema(operation) is None:
        return
    content = operation.schema["requestBody"]["content"]["application/json"]
    assert content.get("examples") or content.get("example") or "example" in content["schema"]


@pytest.mark.parametrize(
    ("query", "accept", "media_type"),
    [
        ("", "*/*", "application/vnd.oai.openapi"),
        ("", "application/yaml", "application/yaml"),
        ("", "application/json,*/*", "application/json"),
        ("", "application/vnd.oai.openapi+json", "application/vnd.oai.openapi+json"),
        ("", "text/html", "application/vnd.oai.openapi"),
        ("?format=json", "text/html", "application/json"),
        ("?format=yaml", "application/json", "application/yaml"),
    ],
)
def test_the_schema_is_served_as_the_repository_holds_it(
    query: str, accept: str, media_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("drf_spectacular.generators.SchemaGenerator.get_schema")
    answer = Client().get(f"/api/schema/{query}", headers={"Accept": accept})
    assert (answer.status_code, answer["Content-Type"]) == (200, media_type)
    if "json" in media_type:
        assert answer.json() == document()
    else:
        assert answer.content == SCHEMA.read_bytes()


@pytest.mark.parametrize("path", ["/api/schema/", "/api/docs/redoc/redoc.js"])
def test_whoever_has_it_is_not_sent_it_again(path: str) -> None:
    first = Client().get(path)
    again = Client().get(path, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert Client().head(path)["Content-Length"] == str(len(first.content))
    refused = Client(enforce_csrf_checks=True).post(path)
    assert (refused.status_code, refused["Content-Type"]) == (405, "application/problem+json")
    assert "GET" in refused["Allow"]


def test_redoc_loads_no_picture_from_elsewhere() -> None:
    script = Client().get("/api/docs/redoc/redoc.js").content
    assert b"Redoc" in script
    assert b"cdn.redoc" not in script


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/docs/", "/api/docs/redoc/"])
def test_the_documentation_loads_from_this_site_only(path: str) -> None:
    page = Client().get(path)
    assert page.status_code == 200
    text = page.content.decode()
    assert "https://" not in text.replace("https://www.w3.org", "")
    assert "Content-Security-Policy" in page.headers
