"""JQL as a tree."""

import re
from dataclasses import dataclass
from typing import NoReturn


class JqlError(Exception):
    """A query that is refused; the messages are what Jira says."""

    def __init__(self, *messages: str) -> None:
        super().__init__("; ".join(messages))
        self.messages = list(messages)


@dataclass(frozen=True)
class Clause:
    """A field, an operator in lower case and values. `=` and `in` are one: `in`."""

    field: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Not:
    """What does not hold."""

    inner: "Tree"


@dataclass(frozen=True)
class Both:
    """What holds all of; or, if `is_any`, one of."""

    parts: tuple["Tree", ...]
    is_any: bool = False


Tree = Clause | Not | Both


@dataclass(frozen=True)
class Statement:
    """A query: what to find, None for everything, and by what to order it, True for descending."""

    where: Tree | None
    order: tuple[tuple[str, bool], ...]


_TOKEN = re.compile(
    r"\s*(?:(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
    r"|(?P<sign><=|>=|!=|!~|=|<|>|~|\(|\)|,|&&|\|\||!)"
    r"|(?P<word>[^\s\"'=<>!~(),&|]+))"
)
_COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
_RESERVED = ("and", "or", "not", "in", "order", "by", "is", "was", "changed", "empty", "null")
_MOST_ORDERS = 7
_DEEPEST = 100


def parse(text: str) -> Statement:
    """Read a query; raise JqlError."""
    return _Reader(text).statement()


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int

    @property
    def lower(self) -> str:
        return self.text.lower() if self.kind == "word" else ""


class _Reader:
    """Reads by descent: OR of AND of NOT of clauses and parentheses."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._split()
        self._place = 0
        self._depth = 0

    def _split(self) -> list[_Token]:
        tokens: list[_Token] = []
        place, end = 0, len(self._text.rstrip())
        while place < end:
            match = _TOKEN.match(self._text, place)
            if match is None:
                at = len(self._text) - len(self._text[place:].lstrip())
                self._refuse(f"'{self._text[at]}' cannot be read.", at)
            kind = str(match.lastgroup)
            tokens.append(_Token(kind, match[kind], match.start(kind)))
            place = match.end()
        return [*tokens, _Token("end", "", end)]

    def _refuse(self, what: str, at: int) -> NoReturn:
        line = self._text.count("\n", 0, at) + 1
        column = at - (self._text.rfind("\n", 0, at) + 1) + 1
        place = f"(line {line}, character {column})"
        raise JqlError(f"Error in the JQL Query: {what} {place}")

    @property
    def _next(self) -> _Token:
        return self._tokens[self._place]

    def _take(self) -> _Token:
        token = self._next
        self._place += 1
        return token

    def _takes(self, *texts: str) -> bool:
        """Take the next token if it is one of these words or signs."""
        if (self._next.kind == "sign" and self._next.text in texts) or self._next.lower in texts:
            self._place += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._takes(text):
            self._refuse(f"Expecting '{text}' but got {self._shown}.", self._next.at)

    @property
    def _shown(self) -> str:
        return "the end of the query" if self._next.kind == "end" else f"'{self._next.text}'"

    def statement(self) -> Statement:
        where: Tree | None = None
        if self._next.kind != "end" and self._next.lower != "order":
            where = self._any()
        order = self._order() if self._takes("order") else ()
        if self._next.kind != "end":
            what = f"Expecting either 'OR' or 'AND' but got {self._shown}."
            self._refuse(what, self._next.at)
        return Statement(where, order)

    def _any(self) -> Tree:
        parts = [self._all()]
        while self._takes("or", "||"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Both(tuple(parts), is_any=True)

    def _all(self) -> Tree:
        parts = [self._one()]
        while self._takes("and", "&&"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _one(self) -> Tree:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._refuse("The query is nested too deeply.", self._next.at)
        try:
            if self._takes("not", "!"):
                return Not(self._one())
            if self._takes("("):
                inner = self._any()
                self._expect(")")
                return inner
            return self._clause()
        finally:
            self._depth -= 1

    def _clause(self) -> Tree:
        field = self._operand("a field name")
        operator = self._take()
        if operator.kind == "sign" and operator.text in _COMPARISONS:
            value = self._operand("a value")
            if operator.text == "!=":
                return Not(Clause(field, "in", (value,)))
            return Clause(field, "in" if operator.text == "=" else operator.text, (value,))
        is_not = operator.lower == "not"
        if is_not:
            operator = self._take()
        if operator.lower != "in":
            self._place -= 1
            names = "'=', '!=', '<', '>', '<=', '>=', 'in' and 'not in'"
            self._refuse(
                f"Expecting operator but got {self._shown}. The valid operators here are {names}.",
                self._next.at,
            )
        clause = Clause(field, "in", self._list())
        return Not(clause) if is_not else clause

    def _list(self) -> tuple[str, ...]:
        self._expect("(")
        values = [self._operand("a value")]
        while self._takes(","):
            values.append(self._operand("a value"))
        self._expect(")")
        return tuple(values)

    def _operand(self, what: str) -> str:
        token = self._next
        if token.kind == "text":
            self._place += 1
            return re.sub(r"\\(.)", r"\1", token.text[1:-1])
        if token.kind != "word" or token.lower in _RESERVED:
            self._refuse(f"Expecting {what} but got {self._shown}.", token.at)
        self._place += 1
        return token.text

    def _order(self) -> tuple[tuple[str, bool], ...]:
        self._expect("by")
        order = []
        while True:
            field = self._operand("a field name")
            descending = self._takes("desc")
            if not descending:
                self._takes("asc")
            order.append((field, descending))
            if not self._takes(","):
                break
        if len(order) > _MOST_ORDERS:
            raise JqlError(f"The query is ordered by more than {_MOST_ORDERS} fields.")
        return tuple(order)
