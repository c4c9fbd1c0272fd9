"""`manage.py connect`: an integration with Jira, GitHub or another provider, and its test."""

import getpass
import json
import sys
from pathlib import Path
from typing import Any, Final

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from common.errors import UsageError
from integrations.checking import check
from integrations.contract import Check, auth_method, setting_fields
from integrations.models import Integration
from integrations.registry import connector_for, connectors
from integrations.services import Connection, connect
from jobs.console import name_and_value
from jobs.imports import find_tenant
from jobs.sync import find_integration
from mappings.seeds import apply_presets
from tenants.migrated import ensure_migrated
from tenants.models import Tenant
from tenants.scope import tenant_scope

_CHANGING: Final = ("base_url", "auth", "user", "token", "credential", "setting")


class Command(BaseCommand):
    help = (
        "Connect a tenant to a source, or change a connection of that name: what is not given "
        "stays as it is, but another address takes the credentials again. Credentials are kept "
        "sealed and never shown. With --test the connection is tried step by step, with nothing "
        "else but --tenant and --name the one that is there. Exit code 0: connected, and tested "
        "if asked; 1: the test found something wrong; 2: refused, nothing changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--create", action="store_true", help="make the tenant if it is new")
        parser.add_argument(
            "--provider", choices=sorted(connectors()), help="needed to make a connection"
        )
        parser.add_argument("--name", required=True, help="of the integration; exports name it")
        parser.add_argument("--base-url", default="", help="default: the provider's own")
        parser.add_argument(
            "--auth", default="", metavar="METHOD", help=f"how to sign in: {_methods()}"
        )
        parser.add_argument("--user", default="", help="such as the e-mail of a Jira account")
        parser.add_argument(
            "--token",
            default="",
            help="the secret; - reads it from standard input, unseen, @FILE from a file",
        )
        parser.add_argument(
            "--credential",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="another value of the way to sign in, also from @FILE",
        )
        parser.add_argument(
            "--setting",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help=f"a setting of the provider, such as projects=WEB,APP: {_settings()}",
        )
        parser.add_argument("--test", action="store_true", help="try it, step by step")
        parser.add_argument("--json", action="store_true", help="report as one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            ensure_migrated()
            integration, checks = self._connect(options)
        except UsageError as error:
            raise CommandError(str(error), returncode=2) from None
        self._tell(integration, checks, options["json"])
        if any(not each.is_ok for each in checks):
            sys.exit(1)

    def _connect(self, options: dict[str, Any]) -> tuple[Integration, list[Check]]:
        if any(options[name] for name in ("provider", *_CHANGING)):
            integration, tenant = self._made(options)
        else:
            tenant = find_tenant(options["tenant"], create=False)
            integration = find_integration(tenant, options["name"])
            if not options["test"]:
                raise UsageError("nothing is given to change; --test tries what is there")
        with tenant_scope(tenant.pk):
            return integration, check(integration) if options["test"] else []

    def _made(self, options: dict[str, Any]) -> tuple[Integration, Tenant]:
        with transaction.atomic():
            tenant = find_tenant(options["tenant"], options["create"])
            with tenant_scope(tenant.pk):
                before = Integration.objects.filter(tenant=tenant, name=options["name"]).first()
                integration, is_new = connect(tenant, _connection(options, before))
                if is_new:
                    apply_presets(integration)
        return integration, tenant

    def _tell(self, integration: Integration, checks: list[Check], as_json: bool) -> None:
        if as_json:
            told = {
                "integration": integration.name,
                "provider": integration.provider,
                "base_url": integration.base_url,
                "ok": all(each.is_ok for each in checks),
                "checks": [msgspec.to_builtins(each) for each in checks],
            }
            self.stdout.write(json.dumps(told))
            return
        if not checks:
            self.stdout.write(f"{integration.name} is connected to {integration.base_url}")
        for each in checks:
            mark = "ok     " if each.is_ok else "FAILED "
            self.stdout.write(f"{mark} {each.step} ({each.request}): {each.detail}")
            if each.remedy:
                self.stdout.write(f"        {each.remedy}")


def _methods() -> str:
    return "; ".join(
        f"{slug}: {', '.join(method.slug for method in connector.auth_methods)}"
        for slug, connector in sorted(connectors().items())
    )


def _settings() -> str:
    return ". ".join(
        f"{slug}: "
        + "; ".join(
            f"{each.name} ({each.label}{f': {each.help}' if each.help else ''})"
            for each in setting_fields(connector.settings_type)
        )
        for slug, connector in sorted(connectors().items())
    ).replace("%", "%%")


def _connection(options: dict[str, Any], before: Integration | None) -> Connection:
    """Return what is asked for. before: the integration of this name, if there is one."""
    provider = options["provider"] or (before.provider if before else "")
    if not provider:
        raise UsageError(f"there is no integration {options['name']!r}; --provider makes one")
    connector = connector_for(provider)
    is_same = before is not None and before.provider == provider
    slug = options["auth"] or (before.auth_method if before and is_same else "")
    slug = slug or connector.auth_methods[0].slug
    try:
        method = auth_method(connector, slug)
    except KeyError:
        known = ", ".join(each.slug for each in connector.auth_methods)
        raise UsageError(
            f"{connector.label} cannot sign in by {slug!r}; there are: {known}"
        ) from None
    given = dict(map(_credential, options["credential"]))
    if options["user"] and method.user_field:
        given[method.user_field] = options["user"]
    if options["token"] and method.token_field:
        given[method.token_field] = _secret(options["token"])
    return Connection(
        provider=connector.slug,
        name=options["name"],
        base_url=options["base_url"],
        method=slug,
        credentials=given,
        settings=dict(name_and_value("--setting", text) for text in options["setting"]),
    )


def _credential(text: str) -> tuple[str, str]:
    name, value = name_and_value("--credential", text)
    return name, _read(f"--credential {name}", value) if value.startswith("@") else value


def _read(option: str, value: str) -> str:
    """Return the text of the file that @FILE names."""
    try:
        return Path(value[1:]).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{option}: {value[1:]}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{option}: {value[1:]} is no file of text") from None


def _secret(text: str) -> str:
    if text.startswith("@"):
        return _read("--token", text)
    if text != "-":
        return text
    return getpass.getpass("Token: ") if sys.stdin.isatty() else sys.stdin.read().strip()
