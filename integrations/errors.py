"""What is wrong with a value that somebody gave, and which value it is."""

from common.errors import UsageError


class FieldError(UsageError):
    """A value that will not do.

    field: `name`, `base_url`, `method`, `credentials` or the name of a setting after `settings.`.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
