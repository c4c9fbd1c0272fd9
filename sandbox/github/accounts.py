"""How one signs in to GitHub here: tokens of people, and an app with its installation."""

import time
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.accounts import FULL, RESTRICTED, Token

if TYPE_CHECKING:
    from sandbox.github.store import GitHubStore
    from sandbox.organisation import Organisation

CLASSIC_SCOPES = ("repo", "read:org", "workflow")
PERMISSIONS = {
    "actions": "read",
    "contents": "read",
    "deployments": "read",
    "issues": "read",
    "metadata": "read",
    "pull_requests": "read",
}
_LONGEST_JWT_SECONDS = 600
_CLOCK_DRIFT_SECONDS = 60


def may(token: Token, permission: str) -> bool:
    """Tell whether a token has a permission; only some kinds are made with a choice of them."""
    return token.kind not in ("fine_grained", "few_permissions") or permission in token.scopes


class AppError(Exception):
    """A signature of an app that is not accepted; the message is what GitHub says."""


class Credentials:
    """The tokens that are issued at the start, and the app's key.

    owner: the owner of the repositories that the app and the fine-grained token are for.
    """

    def __init__(self, organisation: "Organisation", owner: str) -> None:
        self._organisation = organisation
        accounts = organisation.accounts
        mark = int(accounts.secret("app")[:6], 16)
        self.app_id = 100_000 + mark % 900_000
        self.installation_id = 40_000_000 + mark
        self.owner = owner
        self._key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
        issue = accounts.issue
        issue("github", "classic", FULL, prefix="ghp_", scopes=CLASSIC_SCOPES)
        of_owner = {"owner": owner}
        for kind, permissions in (
            ("fine_grained", tuple(PERMISSIONS)),
            ("few_permissions", ("metadata", "pull_requests")),
        ):
            prefix = "github_pat_"
            issue("github", kind, FULL, prefix=prefix, scopes=permissions, extra=of_owner)
        issue("github", "restricted", RESTRICTED, prefix="ghp_", scopes=CLASSIC_SCOPES)
        issue("github", "expired", FULL, prefix="ghp_", scopes=CLASSIC_SCOPES, lifetime=-60)
        issue("github", "unscoped", FULL, prefix="ghp_")
        app = {
            "app_id": str(self.app_id),
            "installation_id": str(self.installation_id),
            "private_key": self._pem(),
        }
        issue("github", "app", FULL, owner=self.app_owner, extra=app)

    @property
    def app_owner(self) -> str:
        """Whose request budget the app's installation uses."""
        return f"installation {self.installation_id}"

    def _pem(self) -> str:
        return self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        ).decode()

    def check_app(self, authorization: str) -> None:
        """Check the header of a request that the app itself makes; raise AppError."""
        scheme, _, text = authorization.partition(" ")
        if scheme.lower() != "bearer" or text.count(".") != 2:
            raise AppError("A JSON web token could not be decoded")
        claims = self._claims(text.strip())
        now = time.time()
        if str(claims.get("iss")) != str(self.app_id):
            raise AppError("Integration not found")
        if claims["iat"] > now + _CLOCK_DRIFT_SECONDS:
            raise AppError("'Issued at' claim ('iat') must be an Integer representing the time")
        if claims["exp"] <= now:
            raise AppError("'Expiration time' claim ('exp') must be a numeric value in the future")
        if claims["exp"] - now > _LONGEST_JWT_SECONDS + _CLOCK_DRIFT_SECONDS:
            raise AppError("'Expiration time' claim ('exp') is too far in the future")

    def _claims(self, text: str) -> dict[str, Any]:
        options = {"verify_exp": False, "verify_iat": False, "require": ["exp", "iat", "iss"]}
        public = self._key.public_key()
        try:
            claims: dict[str, Any] = jwt.decode(
                text,
                public,
                algorithms=["RS256"],
                options={**options, "verify_iss": False, "verify_sub": False},  # type: ignore[arg-type]
            )
        except jwt.PyJWTError:
            raise AppError("A JSON web token could not be decoded") from None
        if not all(isinstance(claims[name], int | float) for name in ("iat", "exp")):
            raise AppError("'Issued at' claim ('iat') must be an Integer representing the time")
        return claims

    def install(self) -> Token:
        """Return a new token of the installation."""
        return self._organisation.accounts.issue(
            "github",
            "installation",
            FULL,
            prefix="ghs_",
            lifetime=self._organisation.options.access_token_seconds,
            owner=self.app_owner,
            extra={"owner": self.owner},
        )


def github_settings(store: "GitHubStore") -> dict[str, str]:
    """Return the settings with which a connector sees everything that is served."""
    owners = sorted({each.owner for each in store.repositories.values() if not each.is_gone})
    return {"repositories": ",".join(f"{owner}/*" for owner in owners)}
