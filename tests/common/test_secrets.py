"""Credentials open with the right key, in the right place, and nowhere else."""

import pytest
from cryptography.fernet import Fernet

from common.errors import PermanentError, UsageError
from common.secrets import SecretBox, new_key

VALUES = {"user": "ann@example.com", "token": "s3cret-tökén"}


def test_what_is_sealed_opens_and_does_not_show() -> None:
    box = SecretBox([new_key()])
    sealed = box.seal(VALUES, "tenant 1 integration 2")
    assert box.unseal(sealed, "tenant 1 integration 2") == VALUES
    assert "s3cret" not in sealed
    assert box.seal(VALUES, "tenant 1 integration 2") != sealed


def test_a_row_that_was_swapped_does_not_open() -> None:
    box = SecretBox([new_key()])
    sealed = box.seal(VALUES, "tenant 1 integration 2")
    with pytest.raises(PermanentError, match="another integration"):
        box.unseal(sealed, "tenant 2 integration 2")


def test_a_wrong_key_says_what_to_do() -> None:
    sealed = SecretBox([new_key()]).seal(VALUES, "a")
    with pytest.raises(PermanentError, match="add that key again, or enter the credentials anew"):
        SecretBox([new_key()]).unseal(sealed, "a")


@pytest.mark.parametrize("text", ["", "garbage", "gAAAAA==", "é"])
def test_what_was_never_sealed_does_not_open(text: str) -> None:
    with pytest.raises(PermanentError):
        SecretBox([new_key()]).unseal(text, "a")


def test_something_else_under_the_same_key_does_not_open() -> None:
    key = new_key()
    with pytest.raises(PermanentError):
        SecretBox([key]).unseal(Fernet(key).encrypt(b"[1, 2]").decode(), "a")


def test_the_first_key_seals_and_every_key_opens() -> None:
    old, new = new_key(), new_key()
    before = SecretBox([old]).seal(VALUES, "a")
    both = SecretBox([new, old])
    assert both.unseal(before, "a") == VALUES
    after = both.seal(VALUES, "a")
    assert SecretBox([new]).unseal(after, "a") == VALUES
    with pytest.raises(PermanentError):
        SecretBox([old]).unseal(after, "a")


@pytest.mark.parametrize("keys", [[], [""], ["short"], ["x" * 44], [new_key(), "not-a-key"]])
def test_a_malformed_key_is_refused_without_showing_it(keys: list[str]) -> None:
    with pytest.raises(UsageError, match="CREDENTIAL_KEYS takes keys") as caught:
        SecretBox(keys)
    assert not any(key and key in str(caught.value) for key in keys)


def test_a_keyed_digest_is_the_same_for_the_same_and_guessable_by_nobody_else() -> None:
    key = new_key()
    digest = SecretBox([key]).keyed_digest("jira example.com ann")
    assert SecretBox([key]).keyed_digest("jira example.com ann") == digest
    assert SecretBox([key]).keyed_digest("jira example.com bob") != digest
    assert SecretBox([new_key()]).keyed_digest("jira example.com ann") != digest
    assert len(digest) == 64
