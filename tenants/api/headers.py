"""Names of the headers that are the API's own."""

from typing import Final

TENANT: Final = "X-Tenant"
"""Names a tenant by its slug, for those who may see several."""
IDEMPOTENCY_KEY: Final = "Idempotency-Key"
IDEMPOTENCY_REPLAYED: Final = "Idempotency-Replayed"
