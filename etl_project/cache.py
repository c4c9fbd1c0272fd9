"""The cache in Redis, without which everything goes on: nothing is kept then, nor counted."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 5.0
"""For so long a cache that did not answer is not asked again, lest each request waits for it."""

Result = TypeVar("Result")


class SpareRedisCache(RedisCache):
    """Redis, or nothing while it does not answer; the first failure of a row is logged."""

    _left_alone_until = 0.0
    _is_down = False

    def add(self, *args: Any, **kwargs: Any) -> bool:
        return self._ask(False, super().add, *args, **kwargs)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._ask(default, super().get, key, default, version)

    def set(self, *args: Any, **kwargs: Any) -> None:
        self._ask(None, super().set, *args, **kwargs)

    def touch(self, *args: Any, **kwargs: Any) -> bool:
        return self._ask(False, super().touch, *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        return self._ask(False, super().delete, *args, **kwargs)

    def get_many(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        return self._ask({}, super().get_many, *args, **kwargs)

    def set_many(self, data: Any, *args: Any, **kwargs: Any) -> list[Any]:
        return self._ask(list(data), super().set_many, data, *args, **kwargs)

    def delete_many(self, *args: Any, **kwargs: Any) -> None:
        self._ask(None, super().delete_many, *args, **kwargs)

    def has_key(self, *args: Any, **kwargs: Any) -> bool:
        return self._ask(False, super().has_key, *args, **kwargs)

    def clear(self) -> None:
        self._ask(None, super().clear)

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """Count; raise ValueError, as of a key that is not there, where nothing can be counted."""
        found = self._ask(None, super().incr, key, delta, version)
        if found is None:
            raise ValueError(f"nothing is counted under {key}")
        return found

    def count_all(self, keys: Sequence[str], seconds: int) -> list[int | None]:
        """Count once under each key, all in one round trip; return the numbers.

        seconds: until a key is forgotten. None for each where nothing can be counted.
        """
        nothing: list[int | None] = [None] * len(keys)
        return self._ask(nothing, self._count_all, keys, seconds) if keys else []

    def _count_all(self, keys: Sequence[str], seconds: int) -> list[int | None]:
        client = self._cache.get_client(None, write=True)
        with client.pipeline(transaction=False) as sent:
            for key in map(self.make_and_validate_key, keys):
                sent.set(key, 0, ex=seconds, nx=True)
                sent.incr(key)
            return list(sent.execute()[1::2])

    @classmethod
    def forget_failures(cls) -> None:
        """Ask the cache again at once."""
        cls._left_alone_until, cls._is_down = 0.0, False

    def _ask(
        self, otherwise: Result, ask: Callable[..., Result], *args: Any, **kwargs: Any
    ) -> Result:
        kind = type(self)
        if time.monotonic() < kind._left_alone_until:
            return otherwise
        try:
            found = ask(*args, **kwargs)
        except (RedisError, OSError) as error:
            kind._left_alone_until = time.monotonic() + PAUSE_SECONDS
            if not kind._is_down:
                logger.warning("The cache does not answer; it goes on without: %s", error)
            kind._is_down = True
            return otherwise
        if kind._is_down:
            kind._is_down = False
            logger.info("The cache answers again")
        return found
