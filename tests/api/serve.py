"""The site in a process of its own, for programs that nobody here wrote.

It begins with an empty database in VAR_DIR and makes two tenants: one of the recordings, with a
row of every kind and a token of each role, and one that must not be seen. It prints, as one line
of JSON, where it listens and the tokens.
"""

import json
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

RECORDING = Path(__file__).resolve().parents[2] / "sandbox" / "recordings" / "acme"


def main(port: int) -> None:
    """Make tables, tenants and tokens, then serve until ended."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "etl_project.settings"
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    from tests.admin.world import make_world

    ours = make_world("ours")
    make_world("theirs")
    call_command("import_raw", str(RECORDING), tenant="ours", json=True, stdout=sys.stderr)
    told = {"address": f"http://127.0.0.1:{port}", "tokens": _tokens(ours)}
    print(json.dumps(told), flush=True)  # noqa: T201
    _serve(port)


def _tokens(ours: Any) -> dict[str, str]:
    from django.contrib.auth.models import User
    from django.utils import timezone

    from tenants import api_tokens
    from tenants.permissions import access_for
    from tenants.scope import tenant_scope

    people = {**ours.members, "operator": User.objects.create_superuser("operator")}
    found = {}
    for role, user in people.items():
        access = access_for(user, ours.tenant.pk)
        assert access is not None
        with tenant_scope(ours.tenant.pk):
            scopes = api_tokens.scope_names(access)
            expires_at = timezone.now() + timedelta(days=7)
            _, found[role] = api_tokens.make(access, ours.tenant, role, scopes, expires_at)
    return found


def _serve(port: int) -> None:
    import uvicorn

    from etl_project.asgi import application

    uvicorn.run(application, host="127.0.0.1", port=port, log_level="warning", lifespan="off")


if __name__ == "__main__":
    main(int(sys.argv[1]))
