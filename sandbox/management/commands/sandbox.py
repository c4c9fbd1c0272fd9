"""`manage.py sandbox`: serve a made-up or recorded organisation as a Jira and a GitHub."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError

from sandbox.control import steer
from sandbox.generate.styles import STYLES
from sandbox.generate.world import World
from sandbox.options import Options
from sandbox.organisation import Organisation
from sandbox.replay import Recording, ReplayError
from sandbox.server import bound, serve

_WRONG_OPTION = 2
_MOST_ITEMS = 1_000_000
_NUMBERS: tuple[tuple[str, str, type, float, str], ...] = (
    ("--latency-ms", "MS", int, 0, "added to every answer"),
    ("--index-lag", "SECONDS", float, 0, "virtual time until a change can be searched"),
    ("--index-flicker", "SHARE", float, 0, "share of searches that miss a fresh issue"),
    ("--access-token-seconds", "SECONDS", float, 3_600, "life of OAuth and installation tokens"),
    ("--graphql-node-limit", "NODES", int, 0, "larger GraphQL queries fail with 502; 0 for none"),
)
_SWITCHES = (
    ("--short-pages", "give fewer issues than were asked for"),
    ("--empty-pages", "now and then give an empty page with a token"),
    ("--omit-is-last", "leave isLast out"),
)


class Command(BaseCommand):
    """Serve until SIGTERM or SIGINT, then exit 0; exit 2 on a wrong option."""

    help = (
        "Serve an organisation: Jira under /jira, GitHub under /github, what a warehouse holds "
        "that loaded all of it under /ledger, and /control to change things meanwhile. When it "
        "answers, it prints one JSON line with addresses, credentials and settings."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--host", default="127.0.0.1", help="where to listen (127.0.0.1)")
        parser.add_argument("--port", type=int, default=8100, help="0 for any free one (8100)")
        source = parser.add_argument_group("what is served")
        source.add_argument("--items", type=int, help="how many work items are made up (500)")
        source.add_argument("--seed", type=int, help="another seed, another world (1)")
        source.add_argument("--style", choices=sorted(STYLES), help="the names in it (acme)")
        source.add_argument(
            "--replay", type=Path, metavar="DIR", help="serve recorded responses instead"
        )
        how = parser.add_argument_group("how it behaves")
        how.add_argument("--datacenter", action="store_true", help="Jira Data Center, not Cloud")
        how.add_argument(
            "--github-enterprise", action="store_true", help="a GitHub server without limits"
        )
        how.add_argument("--user-zone", metavar="ZONE", help="zone of Jira's users (the style's)")
        for name, metavar, kind, default, text in _NUMBERS:
            text = f"{text} ({default:g})"
            how.add_argument(name, metavar=metavar, type=kind, default=default, help=text)
        for name, text in _SWITCHES:
            how.add_argument(name, action="store_true", help=text)
        how.add_argument(
            "--control",
            type=Path,
            metavar="FILE",
            help="JSON object: what to post to /control/NAME, by name, before the first request",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve."""
        try:
            listening = bound(options["host"], options["port"])
        except (OSError, OverflowError) as error:
            place = f"{options['host']}:{options['port']}"
            raise CommandError(
                f"Cannot listen on {place}: {error}", returncode=_WRONG_OPTION
            ) from error
        with listening:
            try:
                organisation = Organisation(
                    _source(options), _options(options), _progress if sys.stderr.isatty() else None
                )
                _steer(organisation, options["control"])
            except (ReplayError, ValueError) as error:
                raise CommandError(str(error), returncode=_WRONG_OPTION) from error
            serve(organisation, listening)


def _source(options: dict[str, Any]) -> World | Recording:
    """Return what is to be served; raise ReplayError, ValueError."""
    if options["replay"] is not None:
        if any(options[name] is not None for name in ("items", "seed", "style")):
            raise ValueError(
                "--replay serves a recording: --items, --seed, --style do not go with it."
            )
        return Recording(options["replay"])
    items = 500 if options["items"] is None else options["items"]
    if not 1 <= items <= _MOST_ITEMS:
        raise ValueError(f"--items is a number from 1 to {_MOST_ITEMS:,}.")
    return World(
        items=items,
        seed=1 if options["seed"] is None else options["seed"],
        style_name=options["style"] or "acme",
        shape="v2" if options["datacenter"] else "v3",
        zone=options["user_zone"],
    )


def _options(options: dict[str, Any]) -> Options:
    """Return how it behaves; raise ValueError."""
    zone = options["user_zone"]
    if zone is not None:
        try:
            ZoneInfo(zone)
        except (OSError, ValueError, KeyError):
            raise ValueError(f"There is no time zone {zone!r}; one is Europe/Berlin.") from None
    if not 0 <= options["index_flicker"] <= 1:
        raise ValueError("--index-flicker is a share from 0 to 1.")
    for name in ("latency_ms", "index_lag", "graphql_node_limit"):
        if options[name] < 0:
            raise ValueError(f"--{name.replace('_', '-')} must not be negative.")
    return Options(
        mode="datacenter" if options["datacenter"] else "cloud",
        latency_ms=options["latency_ms"],
        index_lag_seconds=options["index_lag"],
        index_flicker=options["index_flicker"],
        user_zone=zone,
        short_pages=options["short_pages"],
        empty_pages=options["empty_pages"],
        omit_is_last=options["omit_is_last"],
        access_token_seconds=options["access_token_seconds"],
        graphql_node_limit=options["graphql_node_limit"],
        github_enterprise=options["github_enterprise"],
    )


def _steer(organisation: Organisation, path: Path | None) -> None:
    """Do what a file of control commands says; raise ValueError."""
    if path is None:
        return
    try:
        commands = json.loads(path.read_bytes())
        for name, body in commands.items():
            steer(organisation, name, body)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"--control {path}: {error}") from error


def _progress(what: str, done: int, total: int) -> None:
    """Show on one line of the terminal how far it is."""
    ending = "\n" if done == total else ""
    sys.stderr.write(f"\r{what}: {done:,} of {total:,}{ending}")
    sys.stderr.flush()
