"""Changes of an organisation that its users would make, by name."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.organisation import Organisation

Mutation = Callable[["Organisation", dict[str, Any]], dict[str, Any]]


class MutationError(ValueError):
    """A change that cannot be made as it was asked for."""


def perform(organisation: "Organisation", operations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Make changes, each `{"op": "jira.edit", …its arguments}`; return what each did.

    Raises MutationError at the first that cannot be made; those before it stay made.
    """
    from sandbox.github.mutations import MUTATIONS as GITHUB
    from sandbox.jira.mutations import MUTATIONS as JIRA

    known = {f"jira.{name}": each for name, each in JIRA.items()}
    known |= {f"github.{name}": each for name, each in GITHUB.items()}
    done = []
    for operation in operations:
        arguments = dict(operation)
        name = arguments.pop("op", None)
        if name not in known:
            raise MutationError(f"there is no {name!r}; there are {', '.join(sorted(known))}")
        done.append({"op": name, **known[name](organisation, arguments)})
    return done
