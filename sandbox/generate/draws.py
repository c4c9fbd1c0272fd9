"""Seeded choices: the same seed and names give the same draws on every machine and Python."""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Draws:
    """A sequence of choices that depends on its names alone, such as a seed, "life" and 17.

    Only `Random.random` is used: its values are promised to stay the same between versions of
    Python, those of `choice` and `randrange` are not.
    """

    def __init__(self, *names: object) -> None:
        self._unit = Random(":".join(map(str, names))).random

    def unit(self) -> float:
        """Return a number from 0 up to but not 1."""
        return self._unit()

    def below(self, count: int) -> int:
        """Return a whole number from 0 up to but not `count`."""
        return int(self._unit() * count)

    def chance(self, share: float) -> bool:
        """Return True in this share of all draws."""
        return self._unit() < share

    def pick(self, options: Sequence[T]) -> T:
        """Return one of the options."""
        return options[int(self._unit() * len(options))]

    def skewed(self, least: float, most: float) -> float:
        """Return a number between the two, mostly near the least, as durations are."""
        unit = self._unit()
        return least + (most - least) * unit * unit * unit
