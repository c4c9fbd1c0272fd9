"""The types of problems, told in one table, which the site shows at `/api/docs/problems/`."""

from collections.abc import Mapping
from typing import Final

KINDS: Final[Mapping[str, str]] = {
    "authentication-failed": "What was shown to sign in is not valid: a token that expired, was "
    "revoked, or is none.",
    "being-prepared": "An earlier edit of rules is being prepared: edit after it, or cancel it.",
    "changed-meanwhile": "It was changed since you read it: read it again and edit that. ETag "
    "has its present state.",
    "conflict": "It cannot be done as things stand; the detail says why.",
    "edited-since": "It cannot be taken back, for later edits changed the same; they are listed.",
    "in-progress": "The same request, with the same idempotency key, is still being answered: ask "
    "again after as many seconds as Retry-After says.",
    "in-use": "It is in use: the detail says by what, and where to move that.",
    "invalid": "Something that was sent is not valid; errors says what and where.",
    "key-reused": "The idempotency key was given with another request: choose a new one.",
    "malformed": "The body cannot be read.",
    "method-not-allowed": "The address takes other methods: see Allow.",
    "no-tenant": "You are a member of no tenant: ask an administrator for an invitation.",
    "not-acceptable": "It cannot be had in the form that Accept names.",
    "not-authenticated": "Nobody is signed in: send a token as Authorization: Bearer ….",
    "not-found": "There is no such thing in this tenant.",
    "people-only": "A token may not do this: sign in by name and password.",
    "permission-denied": "Your role, or the scopes of the token, do not permit it.",
    "server-error": "A fault of ours: it is in the log under trace_id.",
    "source-refuses": "The source refused, or could not be reached; the detail says why.",
    "tenant-needed": "Name a tenant by the header X-Tenant: you see all of them.",
    "throttled": "Too many requests: wait for as many seconds as Retry-After says.",
    "too-large": "The body is larger than is read.",
    "unavailable": "The database does not answer at the moment: ask again after as many seconds as "
    "Retry-After says.",
    "unknown-tenant": "The header X-Tenant names no tenant that you may see.",
    "unsupported-media-type": "The body is of a type that is not read here.",
}
