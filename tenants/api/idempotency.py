"""An action that is asked for twice with one key is done once."""

import hashlib
import json
import math
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, Final

from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api.headers import IDEMPOTENCY_KEY, IDEMPOTENCY_REPLAYED
from tenants.api.problems import Problem
from tenants.api.views import ScopedView
from tenants.models import IdempotencyKey

KEPT: Final = timedelta(hours=24)
WAIT_SECONDS = 10.0
"""For so long a request waits for an earlier one with its key; PostgreSQL only."""
_LONGEST: Final = 255
_NO_LOCK: Final = "55P03"

Action = Callable[..., Response]


def idempotent(action: Action) -> Action:
    """Wrap an action of a view: its answer is kept with the key, and given again for it.

    What it does and the answer are committed together, so whatever dies, both or none are there.
    A second request with the key waits for the first to end, and is done itself if that failed.
    Errors are not kept. Raises Problem: 400 for a key that is none, 409 where the first does not
    end for WAIT_SECONDS, 422 for a key that was given with another request.
    """

    @wraps(action)
    def answered(view: ScopedView, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get(IDEMPOTENCY_KEY)
        if key is None:
            return action(view, request, *args, **kwargs)
        if not (1 <= len(key) <= _LONGEST and key.isascii() and key.isprintable()):
            raise Problem(
                400,
                "invalid",
                f"{IDEMPOTENCY_KEY}: give 1 to {_LONGEST} printable ASCII characters.",
            )
        # Before the transaction, or requests with other keys would wait for this one to end.
        IdempotencyKey.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
        with transaction.atomic():
            row = _row(view, request, key)
            if row.status is not None:
                return Response(row.body, status=row.status, headers={IDEMPOTENCY_REPLAYED: "true"})
            response = action(view, request, *args, **kwargs)
            row.status = response.status_code
            row.body = json.loads(json.dumps(response.data, cls=DjangoJSONEncoder))
            row.save(update_fields=("status", "body"))
            return response

    answered.is_idempotent = True  # type: ignore[attr-defined]
    return answered


def _row(view: ScopedView, request: Request, key: str) -> IdempotencyKey:
    """Return the row of the key, made now if there is none. In a transaction."""
    found = {"tenant": view.tenant, "user_id": request.user.pk, "key": key}
    digest = _digest(request)
    _limit_wait(f"{int(WAIT_SECONDS * 1000)}ms")
    try:
        with transaction.atomic():
            row: IdempotencyKey = IdempotencyKey.objects.create(**found, request_digest=digest)
            return row
    except IntegrityError:
        row = IdempotencyKey.objects.get(**found)
    except OperationalError as error:
        _refuse_if_in_progress(error)
        raise
    finally:
        _limit_wait("0")
    if row.request_digest != digest:
        raise Problem(
            422, "key-reused", f"{IDEMPOTENCY_KEY}: this key was given with another request."
        )
    return row


def _limit_wait(limit: str) -> None:
    """Let this transaction wait for no lock for longer; 0: for as long as it takes."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [limit])


def _refuse_if_in_progress(error: OperationalError) -> None:
    if getattr(error.__cause__, "pgcode", "") == _NO_LOCK:
        raise Problem(
            409,
            "in-progress",
            "An earlier request with this key is still being answered: ask again later.",
            headers={"Retry-After": str(math.ceil(WAIT_SECONDS))},
        ) from None


def _digest(request: Request) -> str:
    body = json.dumps(request.data, sort_keys=True, default=str)
    text = f"{request.method} {request.get_full_path()}\n{body}"
    return hashlib.sha256(text.encode()).hexdigest()
