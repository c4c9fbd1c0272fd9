"""Values of custom fields as plain ones: the policy, as SQL over one value as JSON.

`docs/custom-fields.md` explains it. A plain value is a text without space around it, or a number:

- empty_is_none: null, a text of nothing but space, `[]` and `{}` are no value;
- member_of_object: an object is its `value`, `displayName`, `name` or `key`, the first that is
  there; an epic is its `key` (or that of its `data`) before all others;
- cascade: a value with a `child` is both, with " / " between them;
- truth: true and false are the texts `true` and `false`;
- first_fitting: of a list, the first entry that fits is the number, the team or the epic;
- running_sprint: of several sprints the active one, else the last of the list;
- whole_list: a column of our own keeps all entries of a list that are plain, in their order;
- number: between -1e9 and 1e9, or a text of one, with nine digits before the point and six after
  it at most;
- text: a text, or a whole number of up to fifteen digits.

What does not fit is no value.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from warehouse.json_words import Path, Sql, fence, words

OBJECT_MEMBERS: Final[tuple[Path, ...]] = (("value",), ("displayName",), ("name",), ("key",))
EPIC_MEMBERS: Final[tuple[Path, ...]] = (("key",), ("data", "key"), ("value",), ("name",))
NUMBER: Final = r"^[+-]?[0-9]{1,9}(\.[0-9]{1,6})?$"
SPRINT_TEXT: Final = "com.atlassian.greenhopper.service.sprint.Sprint@"
AFTER_NAME: Final = (
    "startDate",
    "endDate",
    "completeDate",
    "activatedDate",
    "sequence",
    "goal",
    "autoStartStop",
    "synced",
    "incompleteIssuesDestinationId",
    "rapidViewId",
    "state",
    "id",
)
"""What may follow the name in a sprint that is a text: `…Sprint@1f[id=1,…,name=A, B,goal=,…]`."""


def as_number(value: Sql) -> Sql:
    """Return a value of a field as a number, null if it is none."""
    return _first_fitting(value, _number_of, OBJECT_MEMBERS)


def as_text(value: Sql) -> Sql:
    """Return a value of a field as one text, null if it is none."""
    return _first_fitting(value, _text_of, OBJECT_MEMBERS)


def as_epic(value: Sql) -> Sql:
    """Return a value of a field as the key of an epic, null if it is none."""
    return _first_fitting(value, _text_of, EPIC_MEMBERS)


def as_column(value: Sql) -> Sql:
    """Return a value of a field as a text, a number or a list of them; null if it is none."""
    ordered = "(SELECT p FROM made WHERE p IS NOT NULL ORDER BY n) o"
    listed = f"SELECT {words().collected('o.p')} FROM {ordered}"
    quick = [*_quick_number(value, value), *_quick_text(value)]
    return _by_shape(value, lambda each: _plain(each, OBJECT_MEMBERS), listed, quick)


def as_sprint(value: Sql) -> Sql:
    """Return a value of a field as the name of a sprint, null if it is none."""
    chosen = "SELECT p FROM made WHERE p IS NOT NULL ORDER BY is_running DESC, n DESC LIMIT 1"
    return _by_shape(value, _sprints, chosen)


Step: TypeAlias = tuple[str, Sql]
"""A name and a SELECT over the step before it, of at least `n` and, in the last, `p`.

What is made of a value goes by steps, each computed once, for SQLite refuses what is nested
deeply.
"""


def _first_fitting(value: Sql, fit: Callable[[Sql], Sql], members: Sequence[Path]) -> Sql:
    def steps(entries: Sql) -> list[Step]:
        plain = _plain(entries, members, made="plain")
        return [*plain, ("made", f"SELECT {fit('p')} AS p, n FROM plain")]

    first = "SELECT p FROM made WHERE p IS NOT NULL ORDER BY n LIMIT 1"
    quick = _quick_number(value, fit(value))
    return _by_shape(value, steps, first, quick + (_quick_text(value) if fit is _text_of else []))


Branch: TypeAlias = tuple[Sql, Sql]


def _quick_number(value: Sql, made: Sql) -> list[Branch]:
    """Return the branch for a number, which needs no steps: they take ten times as long."""
    return [(words().is_kind(value, "number"), made)]


def _quick_text(value: Sql) -> list[Branch]:
    """Return the branch for a text where any text fits."""
    say = words()
    return [(say.is_kind(value, "string"), say.quoted(_trimmed(say.text(value))))]


def _by_shape(
    value: Sql, steps: Callable[[Sql], list[Step]], of_list: Sql, quick: Sequence[Branch] = ()
) -> Sql:
    """Return what `steps` make of a value. of_list: a SELECT of it from what they make of entries.

    quick: branches that come before. A value that is no list is made without being turned into
    rows.
    """
    say = words()
    return _case(
        (f"{value} IS NULL", "NULL"),
        *quick,
        (say.is_kind(value, "array"), _chain(steps(say.entries(value)), of_list)),
        otherwise=_chain(steps(f"SELECT {value} AS v, 0 AS n"), "SELECT p FROM made"),
    )


def _chain(steps: Sequence[Step], result: Sql) -> Sql:
    told = ", ".join(f"{name} AS ({select} {fence()})" for name, select in steps)
    return f"(WITH {told} {result})"


def _plain(
    entries: Sql, members: Sequence[Path], *, made: str = "made", kept: str = ""
) -> list[Step]:
    """Return the steps that make each entry `v` a string or a number, `p`.

    made: the name of the last. kept: further columns that they pass on, each with a comma before.
    """
    say = words()
    scalars = [_scalar("m" + str(number)) for number in range(len(members))]
    listed = [say.member("v", path) for path in members]
    named = ", ".join(f"{member} AS m{number}" for number, member in enumerate(listed))
    first = _case(
        (
            say.is_kind("v", "object"),
            f"COALESCE({', '.join(scalars)})" if scalars[1:] else scalars[0],
        ),
        otherwise=_scalar("v"),
    )
    are_texts = f"{say.is_kind('a', 'string')} AND {say.is_kind('b', 'string')}"
    both = say.quoted(f"{say.text('a')} || ' / ' || {say.text('b')}")
    child = say.member("v", ("child", "value"))
    return [
        ("entry", entries),
        ("part", f"SELECT v, n{kept}, {named}, {child} AS c FROM entry"),
        ("pair", f"SELECT n{kept}, {first} AS a, {_scalar('c')} AS b FROM part"),
        (made, f"SELECT n{kept}, {_case((are_texts, both), otherwise='a')} AS p FROM pair"),
    ]


def _scalar(value: Sql) -> Sql:
    say = words()
    return _case(
        (say.is_kind(value, "string"), say.quoted(_trimmed(say.text(value)))),
        (say.is_kind(value, "number"), value),
        (say.is_kind(value, "boolean"), say.quoted(say.name_of_boolean(value))),
    )


def _trimmed(text: Sql) -> Sql:
    return f"NULLIF(trim({text}, {words().spaces}), '')"


def _number_of(plain: Sql) -> Sql:
    say = words()
    written = say.text(plain)
    return _case(
        (say.is_kind(plain, "number"), _case((say.is_in_limits(plain), plain))),
        (
            say.is_kind(plain, "string"),
            _case((say.matches(written, NUMBER), say.number(written))),
        ),
    )


def _text_of(plain: Sql) -> Sql:
    say = words()
    return _case(
        (say.is_kind(plain, "string"), plain),
        (say.is_kind(plain, "number"), _case((say.is_whole(plain), say.quoted(say.digits(plain))))),
    )


def _sprints(entries: Sql) -> list[Step]:
    """Return the steps that make each entry the name of a sprint, and tell whether it runs."""
    say = words()
    is_object = say.is_kind("v", "object")
    written = _case((say.is_kind("v", "string"), say.text("v")))
    state = _case((is_object, f"lower({say.text(say.member('v', ('state',)))})"))
    runs = f"state = 'active' OR {say.place('written', ',state=ACTIVE')} > 0"
    is_told = f"{say.place('written', SPRINT_TEXT)} = 1"
    begin = say.place("written", ",name=")
    rest = _case((f"{begin} > 0", f"substr(written, {begin} + 6)"))
    bracket = "CASE WHEN substr(rest, length(rest), 1) = ']' THEN 0 ELSE 1 END"
    ends = [f"NULLIF({say.place('rest', f',{name}=')}, 0)" for name in AFTER_NAME]
    least = say.least([f"COALESCE({end}, past)" for end in ends])
    named = f"NULLIF(substr(rest, 1, {least} - 1), '<null>')"
    of_text = ("is_told = 1", say.quoted(_trimmed("named")))
    kept = ", is_running, is_told, named"
    return [
        ("given", entries),
        ("read", f"SELECT v, n, {written} AS written, {state} AS state FROM given"),
        (
            "told",
            f"SELECT v, n, {_case((runs, '1'), otherwise='0')} AS is_running,"
            f" {_case((is_told, '1'), otherwise='0')} AS is_told, {rest} AS rest FROM read",
        ),
        (
            "ended",
            f"SELECT v, n, is_running, is_told, rest, length(rest) + {bracket} AS past FROM told",
        ),
        *_plain(
            f"SELECT v, n, is_running, is_told, {named} AS named FROM ended",
            (("name",),),
            made="plain",
            kept=kept,
        ),
        (
            "made",
            f"SELECT n, is_running, {_case(of_text, otherwise=_text_of('p'))} AS p FROM plain",
        ),
    ]


def _case(*branches: tuple[Sql, Sql], otherwise: Sql = "NULL") -> Sql:
    told = " ".join(f"WHEN {condition} THEN {result}" for condition, result in branches)
    return f"CASE {told} ELSE {otherwise} END"
