"""What a check found, in words that hold no secret."""

import re
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal
from urllib.parse import urlsplit, urlunsplit

from etl_project.secret_settings import configured_secrets

TIMEOUT_SECONDS: Final = 3

Level = Literal["ok", "warning", "problem"]

_URL_PASSWORD: Final = re.compile(r"(://[^:/@\s]*):[^@\s]+@")
_HIDDEN: Final = "***"


@dataclass(frozen=True)
class Finding:
    """One line of the report. remedy: what to do, empty where nothing is to be done.

    public: what of the message anybody may be told, who asks whether the site is ready: no place,
    no name, no version. Empty: nothing.
    """

    check: str
    level: Level
    message: str
    remedy: str = ""
    public: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return the finding as `--json` gives it."""
        told = asdict(self)
        del told["public"]
        return told


def ok(check: str, message: str, public: str = "") -> Finding:
    """Return that something is as it should be."""
    return Finding(check, "ok", message, public=public)


def warning(check: str, message: str, remedy: str, public: str = "") -> Finding:
    """Return what works but not as it should."""
    return Finding(check, "warning", message, remedy, public)


def problem(check: str, message: str, remedy: str, public: str = "") -> Finding:
    """Return what does not work; it makes the exit code 1."""
    return Finding(check, "problem", message, remedy, public)


def masked(url: str) -> str:
    """Return a URL without its password."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    user_and_password, _, place = parts.netloc.rpartition("@")
    user = user_and_password.partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{user}:{_HIDDEN}@{place}"))


def hide_passwords(finding: Finding) -> Finding:
    """Return the finding with every configured password, wherever an error quotes it, hidden."""
    return replace(finding, message=_hidden(finding.message), remedy=_hidden(finding.remedy))


def _hidden(text: str) -> str:
    text = _URL_PASSWORD.sub(rf"\1:{_HIDDEN}@", text)
    for secret in configured_secrets():
        text = text.replace(secret, _HIDDEN)
    return text


def first_line(error: BaseException) -> str:
    """Return what an error says, on one line; its name if it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__
