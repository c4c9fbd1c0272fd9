"""Bodies are read in the time that their length takes."""

import pytest

from tenants.api.parsing import MOST_BYTES, loads
from tenants.api.problems import Problem


def test_a_name_that_stands_twice_among_very_many_is_found_as_soon_as_it_is_read() -> None:
    names = ",".join(f'"{number}":0' for number in range(400_000))
    body = f'{{{names},"399999":0}}'.encode()
    assert len(body) < MOST_BYTES
    with pytest.raises(Problem, match=r"399999.*twice"):
        loads(body)
