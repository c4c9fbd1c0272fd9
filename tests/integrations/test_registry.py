"""A provider is one folder: a copy of one under another slug is a provider."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from common.errors import UsageError
from integrations import providers
from integrations.contract import Connector, setting_fields
from integrations.models import Integration
from integrations.registry import connector_for, connectors
from tenants.models import Membership, Role, Tenant
from tenants.scope import every_tenant

from .test_provider_contract import CHECKS

COPY = "copied"
PACKAGE = f"{providers.__name__}.{COPY}"


@pytest.fixture(params=sorted(connectors()))
def copied(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Connector]:
    """Copy a provider's folder, renamed inside, to where packages are looked for."""
    slug: str = request.param
    source = Path(str(sys.modules[f"{providers.__name__}.{slug}"].__file__)).parent
    shutil.copytree(source, tmp_path / COPY, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (tmp_path / COPY).rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        text = text.replace(f"{providers.__name__}.{slug}", PACKAGE)
        text = text.replace(f'slug = "{slug}"', f'slug = "{COPY}"')
        path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(providers, "__path__", [*providers.__path__, str(tmp_path)])
    connectors.cache_clear()
    yield connector_for(COPY)
    monkeypatch.undo()
    connectors.cache_clear()
    for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
        del sys.modules[name]


def test_a_copied_folder_is_found_beside_the_others(copied: Connector) -> None:
    assert copied.slug == COPY
    assert type(copied).__module__.startswith(PACKAGE)
    assert {"github", "jira", COPY} <= set(connectors())


def test_a_copied_provider_keeps_the_contract(copied: Connector) -> None:
    for check in CHECKS:
        check(copied)


@pytest.mark.django_db
def test_a_copied_provider_needs_no_migration(copied: Connector) -> None:
    assert Integration._meta.get_field("provider").choices is None
    call_command("makemigrations", "integrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.django_db
def test_the_form_of_integrations_offers_a_copied_provider(
    copied: Connector, client: Client, django_user_model: type[User]
) -> None:
    tenant = Tenant.objects.create(slug="acme", name="Acme")
    person = django_user_model.objects.create_user("ann", is_staff=True)
    with every_tenant("test"):
        Membership.objects.create(tenant=tenant, user=person, role=Role.ADMIN)
    client.force_login(person)
    address = reverse("admin:integrations_integration_add")
    assert f'href="?provider={COPY}"' in client.get(address).content.decode()
    page = client.get(address, {"provider": COPY}).content.decode()
    for each in setting_fields(copied.settings_type):
        assert f'name="setting_{each.name}"' in page
        assert each.label in page
    method = copied.auth_methods[0]
    given = {
        "provider": COPY,
        "name": "new",
        "base_url": "https://source.example.com",
        "method": method.slug,
        **{f"credential_{method.slug}_{each.name}": "a-value-of-it" for each in method.fields},
    }
    made = client.post(address, given)
    assert made.status_code == 302, made.content.decode()
    with every_tenant("test"):
        row = Integration.objects.get()
        assert (row.provider, row.auth_method) == (COPY, method.slug)
    shown = client.get(made.headers["Location"]).content.decode()
    assert copied.label in shown
    assert "a-value-of-it" not in shown


def test_a_provider_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(UsageError, match=r"no provider 'gitlab'; there are: .*github.*jira"):
        connector_for("gitlab")


def test_a_provider_that_cannot_be_imported_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "__init__.py").touch()
    (tmp_path / "broken" / "connector.py").write_text("import no_such_module\n")
    monkeypatch.setattr(providers, "__path__", [str(tmp_path)])
    connectors.cache_clear()
    try:
        with pytest.raises(ModuleNotFoundError, match="no_such_module"):
            connectors()
    finally:
        connectors.cache_clear()
        for name in [name for name in sys.modules if name.endswith("providers.broken")]:
            del sys.modules[name]
