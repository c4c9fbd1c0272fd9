"""An id is bound to a thread or task, and can neither be forged nor break out of a comment."""

import asyncio
import re
import threading

import pytest

from common import tracing


def test_nothing_is_bound_at_first() -> None:
    seen: list[object] = []
    thread = threading.Thread(
        target=lambda: seen.extend(
            (tracing.current_trace(), dict(tracing.current_fields()), tracing.sql_comment())
        )
    )
    thread.start()
    thread.join()
    assert seen == ["", {}, ""]


def test_what_is_bound_ends_with_its_block() -> None:
    with tracing.bind("outer-trace", run=1):
        with tracing.bind("", run=1, step=7) as inner:
            assert tracing.current_fields() == {"trace": inner, "run": 1, "step": 7}
            assert tracing.sql_comment() == f"/* trace={inner} step=7 */ "
        assert tracing.current_trace() == "outer-trace"
        assert tracing.sql_comment() == "/* trace=outer-trace */ "
    assert re.fullmatch("[0-9a-f]{16}", inner)


@pytest.mark.parametrize(
    "given", [None, "", "short", "a" * 33, "with space", "x*/ DROP--", "ä" * 9]
)
def test_an_id_from_outside_is_taken_only_if_it_is_sane(given: str | None) -> None:
    assert tracing.accepted("Request-4711") == "Request-4711"
    assert tracing.accepted(given) != given


@pytest.mark.parametrize("evil", ["*/ DROP TABLE x; /*", "%s%(a)s", "a\n-- b", "'; --"])
def test_no_id_breaks_out_of_the_comment(evil: str) -> None:
    with tracing.bind(evil, step=evil):
        comment = tracing.sql_comment()
    assert re.fullmatch(r"/\* trace=[A-Za-z0-9-]+( step=[A-Za-z0-9-]+)? \*/ ", comment)


def test_tasks_beside_each_other_have_ids_of_their_own() -> None:
    async def task(trace: str) -> str:
        tracing.bind_on(trace)
        await asyncio.sleep(0)
        return tracing.current_trace()

    async def both() -> tuple[str, str]:
        return await asyncio.gather(task("trace-one"), task("trace-two"))

    assert tuple(asyncio.run(both())) == ("trace-one", "trace-two")
