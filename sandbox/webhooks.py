"""Webhooks as Jira and GitHub send them: signed, with the headers of each."""

import hmac
import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.request import Request, urlopen

_SECONDS = 30


@dataclass(frozen=True)
class Delivery:
    """One delivery. headers: but for the signature, those that the source sends."""

    body: bytes
    headers: dict[str, str]

    def signed(self, header: str, secret: str) -> "Delivery":
        """Return it signed over its body, in a header."""
        digest = hmac.new(secret.encode(), self.body, sha256).hexdigest()
        return Delivery(self.body, {**self.headers, header: f"sha256={digest}"})

    def send(self, address: str) -> int:
        """Post it to an address of http; return the status. Raises OSError for others."""
        request = Request(address, self.body, self.headers, method="POST")  # noqa: S310
        with urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            return int(answer.status)


def jira(event: str, issue: dict[str, Any], secret: str, delivery_id: str) -> Delivery:
    """Return what Jira sends of an issue, such as `jira:issue_updated`."""
    body = json.dumps({"timestamp": 1, "webhookEvent": event, "issue": issue}).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Atlassian Webhook HTTP Client",
        "X-Atlassian-Webhook-Identifier": delivery_id,
    }
    return Delivery(body, headers).signed("X-Hub-Signature", secret)


def github(event: str, payload: dict[str, Any], secret: str, delivery_id: str) -> Delivery:
    """Return what GitHub sends of an event, such as `pull_request`."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/sandbox",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery_id,
    }
    body = json.dumps(payload).encode()
    return Delivery(body, headers).signed("X-Hub-Signature-256", secret)
