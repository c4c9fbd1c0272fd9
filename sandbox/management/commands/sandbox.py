"""`manage.py sandbox`: serve a made-up or recorded organisation as a Jira and a GitHub."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError

from sandbox.generate.styles import STYLES
from sandbox.generate.world import World
from sandbox.options import Options
from sandbox.replay import Recording, ReplayError

_WRONG_OPTION = 2
_MOST_ITEMS = 1_000_000


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
        how.add_argument(
            "--datacenter", action="store_true", help="Jira Data Center instead of Cloud"
        )
        how.add_argument("--user-zone", metavar="ZONE", help="zone of Jira's users (the style's)")
        how.add_argument("--latency-ms", type=int, default=0, help="added to every answer (0)")
        how.add_argument(
            "--index-lag",
            type=float,
            default=0.0,
            metavar="SECONDS",
            help="virtual time until a change can be searched (0)",
        )
        how.add_argument(
            "--index-flicker",
            type=float,
            default=0.0,
            metavar="SHARE",
            help="share of searches in which a fresh issue is absent (0)",
        )
        how.add_argument(
            "--short-pages", action="store_true", help="give fewer issues than were asked for"
        )
        how.add_argument(
            "--empty-pages", action="store_true", help="now and then an empty page with a token"
        )
        how.add_argument("--omit-is-last", action="store_true", help="leave isLast out")
        how.add_argument(
            "--access-token-seconds",
            type=float,
            default=3_600.0,
            metavar="SECONDS",
            help="life of OAuth and installation tokens (3600)",
        )
        how.add_argument(
            "--graphql-node-limit",
            type=int,
            default=0,
            metavar="NODES",
            help="GraphQL queries of more nodes fail with 502 (0: none)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve."""
        from sandbox.organisation import Organisation
        from sandbox.server import bound, serve

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
    )


def _progress(what: str, done: int, total: int) -> None:
    """Show on one line of the terminal how far it is."""
    ending = "\n" if done == total else ""
    sys.stderr.write(f"\r{what}: {done:,} of {total:,}{ending}")
    sys.stderr.flush()
