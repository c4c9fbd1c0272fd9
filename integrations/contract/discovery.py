"""Discovery: what a source has that a setting may choose from."""

import msgspec


class Discovery(msgspec.Struct, frozen=True, kw_only=True):
    """Something to choose from. slug: what settings name in `picks`. label: what is listed."""

    slug: str
    label: str


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was found. value: what goes into the setting.

    name: what a person knows it by. detail: what else tells it from others, such as its type or
    when it was last pushed to. marks: short words, such as `private`.
    """

    value: str
    name: str = ""
    detail: str = ""
    marks: tuple[str, ...] = ()

    def matches(self, search: str) -> bool:
        """Tell whether it has all the words of a search, in value, name, detail or marks."""
        text = " ".join((self.value, self.name, self.detail, *self.marks)).lower()
        return all(word in text for word in search.lower().split())
