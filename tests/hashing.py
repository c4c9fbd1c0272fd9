"""A hash of passwords that costs tests nothing, and that a running site takes for its own."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class QuickHasher(PBKDF2PasswordHasher):
    """One turn in place of a million."""

    iterations = 1
