"""A whole site in a process of its own, with its workers: what somebody meets in the first hour.

It begins with an empty database in VAR_DIR, one tenant and its administrator.
"""

import os
import signal
import sys
import threading

import django

PERSON, PASSWORD, TENANT = "ann", "correct horse battery", "acme"


def main(port: int) -> None:
    """Make the tables, the tenant and its administrator, then serve and work until ended."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "etl_project.settings")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    _make_administrator()
    _serve(port)


def _make_administrator() -> None:
    from django.contrib.auth.models import User

    from jobs.imports import find_tenant
    from tenants.models import Membership, Role
    from tenants.scope import tenant_scope

    tenant = find_tenant(TENANT, create=True)
    user = User.objects.create_user(PERSON, "ann@example.org", PASSWORD)
    with tenant_scope(tenant.pk):
        Membership.objects.create(tenant=tenant, user=user, role=Role.ADMIN)


def _serve(port: int) -> None:
    import uvicorn

    from etl_project.asgi import application
    from jobs.embedded import EmbeddedEngine
    from jobs.live import publishing

    stop = threading.Event()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    threading.Thread(target=publishing.run, args=(stop,), daemon=True).start()
    with EmbeddedEngine(threads=2):
        uvicorn.run(application, host="127.0.0.1", port=port, log_level="warning", lifespan="off")


if __name__ == "__main__":
    main(int(sys.argv[1]))
