"""Makes the members of a tenant: `python -m tests.browser.members acme`; run on its database."""

import os
import sys
from typing import Final

import django

PASSWORD: Final = "correct horse battery"
MEMBERS: Final = {"ann": "admin", "olga": "editor", "vera": "viewer"}
"""Role by name."""


def main(slug: str) -> None:
    """Make each member, who signs in with PASSWORD."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "etl_project.settings")
    django.setup()
    from django.contrib.auth.models import User

    from jobs.imports import find_tenant
    from tenants.models import Membership
    from tenants.scope import tenant_scope

    tenant = find_tenant(slug, create=False)
    with tenant_scope(tenant.pk):
        for name, role in MEMBERS.items():
            user = User.objects.create_user(name, f"{name}@example.org", PASSWORD)
            Membership.objects.create(tenant=tenant, user=user, role=role)


if __name__ == "__main__":
    main(sys.argv[1])
