"""Which addresses may be reached: at save by `check_url`, at connect by the socket's guard."""

import socket
import threading
from typing import Any, NoReturn

import pytest

from common import egress
from common.egress import EgressPolicy, check_url, parse_networks
from common.errors import PermanentError, TransientError, UsageError
from common.http import NoBudget, Site
from common.transport import Limits, close_pools
from tests.wire import always, answer, listening

PUBLIC = "93.184.216.34"
FORBIDDEN_HOSTS = [
    "127.0.0.1",
    "localhost",
    "localhost.",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0.0.0.0",
    "0",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:169.254.169.254]",
    "[::7f00:1]",
    "169.254.169.254",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "100.100.100.200",
    "100.64.0.1",
    "168.63.129.16",
    "192.0.0.192",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::a00:1]",
    "[64:ff9b:1::7f00:1]",
    "[fec0::1]",
    "[fc00::1]",
    "[2002:7f00:1::]",
    "[2001::1]",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
]


def resolving(**hosts: list[str]) -> Any:
    """A resolver of names that a test makes up; addresses are their own."""

    def resolve(host: str, port: int) -> list[str]:
        if host in hosts:
            return hosts[host]
        return egress.resolve(host, port)

    return resolve


@pytest.fixture
def no_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail if anything connects."""

    def refuse(self: socket.socket, address: object) -> NoReturn:
        pytest.fail(f"connected to {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def get(url: str, policy: EgressPolicy) -> object:
    return Site(url, {}, budget=NoBudget(), policy=policy).get("rest")


@pytest.mark.usefixtures("no_connections")
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", FORBIDDEN_HOSTS)
def test_a_forbidden_address_is_refused_at_save_and_at_connect(scheme: str, host: str) -> None:
    with pytest.raises(UsageError, match="may not be reached"):
        check_url(f"{scheme}://{host}", EgressPolicy(allow_http=True))
    with pytest.raises(PermanentError, match="may not be reached"):
        get(f"{scheme}://{host}", EgressPolicy(allow_http=True))


@pytest.mark.parametrize(
    "url",
    [
        "http://0177.0.0.1",
        "http://example.com\\@127.0.0.1/",
        "https://u:p@jira.example.com",
        "https://u@jira.example.com",
        "https://@jira.example.com",
        "file:///etc/passwd",
        "ftp://example.com",
        "jira.example.com",
        "https://",
        "",
        "https://jira.example.com/\r\nHost: evil",
        "https://jira.example.com/a b",
        "https://jira.example.com/%2e%2e/x",
        "https://jira.example.com/a/%2E%2e",
        "https://jira.example.com/?a=1",
        "https://jira.example.com/#a",
        "https://jira.example.com:0",
        "https://jira.example.com:99999",
        "https://[::1",
    ],
)
def test_what_is_no_address_of_a_site_is_refused_at_save(url: str) -> None:
    with pytest.raises(UsageError):
        check_url(url, EgressPolicy(resolver=lambda host, port: [PUBLIC]))


@pytest.mark.parametrize("port", [25, 22, 6379, 5432, 5672, 15672, 27017])
def test_a_port_of_another_service_is_refused_unless_its_network_is_allowed(port: int) -> None:
    policy = EgressPolicy(resolver=resolving(jira=[PUBLIC]))
    with pytest.raises(UsageError, match="port"):
        check_url(f"https://jira:{port}", policy)
    with pytest.raises(PermanentError, match="port"):
        get(f"https://jira:{port}", policy)
    policy = EgressPolicy(parse_networks([PUBLIC]), resolver=policy.resolver)
    assert check_url(f"https://jira:{port}", policy) == f"https://jira:{port}"


def test_http_to_a_public_address_needs_a_permission() -> None:
    resolver = resolving(jira=[PUBLIC])
    with pytest.raises(UsageError, match="https://"):
        check_url("http://jira", EgressPolicy(resolver=resolver))
    with pytest.raises(PermanentError, match="https://"):
        get("http://jira", EgressPolicy(resolver=resolver))
    assert check_url("http://jira", EgressPolicy(allow_http=True, resolver=resolver))


def test_a_bare_host_at_a_port_of_its_own_is_accepted_in_an_allowed_network() -> None:
    policy = EgressPolicy(parse_networks(["10.1.0.0/16"]), resolver=resolving(jira=["10.1.2.3"]))
    assert check_url("http://jira:8080", policy) == "http://jira:8080"


def test_a_host_is_refused_if_any_of_its_addresses_is() -> None:
    policy = EgressPolicy(resolver=resolving(jira=[PUBLIC, "10.0.0.1"]))
    with pytest.raises(UsageError, match="may not be reached"):
        check_url("https://jira", policy)
    with pytest.raises(PermanentError, match="may not be reached"):
        get("https://jira", policy)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  https://Jira.Example.com/ ", "https://jira.example.com"),
        ("HTTPS://jira.example.com:443/jira/", "https://jira.example.com/jira"),
        ("https://jira.example.com:8443", "https://jira.example.com:8443"),
        ("https://jira.example.com/a/../b/", "https://jira.example.com/b"),
        ("https://bücher.example.com/ä", "https://xn--bcher-kva.example.com/%C3%A4"),
        ("https://[2606:4700::1]:8443/x", "https://[2606:4700::1]:8443/x"),
    ],
)
def test_an_address_is_kept_in_its_one_form(given: str, kept: str) -> None:
    policy = EgressPolicy(resolver=lambda host, port: [PUBLIC])
    assert check_url(given, policy) == kept
    assert check_url(kept, policy) == kept


def test_a_host_that_does_not_resolve_now_is_accepted_by_https_only() -> None:
    def unknown(host: str, port: int) -> NoReturn:
        raise socket.gaierror(-2, "Name or service not known")

    assert check_url("https://jira.example.com", EgressPolicy(resolver=unknown))
    with pytest.raises(UsageError, match=r"jira\.example\.com of the address is not known"):
        check_url("http://jira.example.com", EgressPolicy(resolver=unknown))


@pytest.mark.parametrize(
    ("networks", "address", "is_open"),
    [
        (["10.0.0.0/8"], "10.9.8.7", True),
        (["10.0.0.0/8"], "::ffff:10.9.8.7", True),
        (["10.0.0.0/8"], "192.168.0.1", False),
        (["100.64.0.0/10"], "100.64.0.1", True),
        (["100.64.0.0/10"], "100.100.100.200", False),
        (["127.0.0.0/8"], "127.0.0.1", True),
        (["127.0.0.1/32"], "127.0.0.1", True),
        (["127.0.0.1/32"], "127.0.0.2", False),
        (["127.0.0.0/8"], "::1", False),
        (["::1/128"], "::1", True),
        (["0.0.0.0/0", "::/0"], "127.0.0.1", False),
        (["0.0.0.0/0", "::/0"], "::1", False),
        (["0.0.0.0/0", "::/0"], "10.0.0.1", True),
        (["0.0.0.0/0", "::/0"], "169.254.169.254", False),
        (["169.254.0.0/16"], "169.254.169.254", False),
        (["fe80::/10"], "fe80::1", False),
        (["fd00::/8"], "fd12::1", True),
        (["fd00::/8"], "fd00:ec2::254", False),
        (["168.63.129.16"], "168.63.129.16", False),
        (["10.0.0.0/8"], "64:ff9b::a00:1", False),
        ([], "64:ff9b::5db8:d822", True),
        ([], PUBLIC, True),
        ([], "2606:4700::1", True),
        ([], "no address", False),
    ],
)
def test_the_list_opens_what_it_names_and_never_link_local(
    networks: list[str], address: str, is_open: bool
) -> None:
    policy = EgressPolicy(parse_networks(networks))
    assert (policy.refusal(address, 443, "https") is None) is is_open


@pytest.mark.parametrize("text", ["10.0.0.1/8", "10.0.0.0/33", "jira", "10.0.0.0-10.0.0.9"])
def test_a_malformed_network_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(UsageError, match=text):
        parse_networks(["10.0.0.0/8", text])


def test_blanks_in_the_list_are_passed_over() -> None:
    assert [str(each) for each in parse_networks([" 10.0.0.0/8 ", "", "::1"])] == [
        "10.0.0.0/8",
        "::1/128",
    ]


def test_a_host_that_turns_to_loopback_is_refused_when_it_is_connected_to() -> None:
    """DNS rebinding: public when it is saved, this machine a moment later."""
    answers = [[PUBLIC], ["127.0.0.1"]]
    with listening(always(answer())) as wire:
        port = wire.url.rpartition(":")[2]
        policy = EgressPolicy(allow_http=True, resolver=lambda host, port: answers.pop(0))
        url = check_url(f"http://rebinding.example.com:{port}", policy)
        with pytest.raises(PermanentError, match="may not be reached"):
            get(url, policy)
        assert wire.connections == 0


def test_the_connection_goes_to_the_address_that_was_judged() -> None:
    """The name is resolved once; asked again, it would lead elsewhere."""
    answers = [["127.0.0.1"], ["169.254.169.254"]]
    with listening(always(answer(b"judged"))) as wire:
        port = wire.url.rpartition(":")[2]
        policy = EgressPolicy(
            parse_networks(["127.0.0.0/8"]), resolver=lambda host, port: answers.pop(0)
        )
        site = Site(f"http://jira.example.com:{port}", {}, budget=NoBudget(), policy=policy)
        assert site.get("a").body == b"judged"
        assert f"host: jira.example.com:{port}".encode() in wire.requests[0].lower()
        close_pools()
        with pytest.raises(PermanentError):
            site.get("b")
        assert wire.connections == 1


def test_the_next_address_is_tried_if_one_refuses() -> None:
    with listening(always(answer(b"second"))) as wire:
        port = wire.url.rpartition(":")[2]
        policy = EgressPolicy(
            parse_networks(["127.0.0.0/8"]), resolver=resolving(jira=["127.0.0.9", "127.0.0.1"])
        )
        site = Site(f"http://jira:{port}", {}, budget=NoBudget(), policy=policy)
        assert site.get("a").body == b"second"


def test_a_name_server_that_does_not_answer_ends_at_the_deadline() -> None:
    never = threading.Event()

    def stuck(host: str, port: int) -> list[str]:
        never.wait(30)
        return []

    policy = EgressPolicy(resolver=stuck)
    site = Site(
        "https://jira", {}, budget=NoBudget(), policy=policy, limits=Limits(deadline_seconds=0.2)
    )
    with pytest.raises(TransientError, match="jira is not known"):
        site.get("a")
    never.set()
