from collections.abc import Iterator

import pytest

from tests.fixtures.product import Launched, running_product


@pytest.fixture(scope="session")
def playground() -> Iterator[Launched]:
    """A product of its own, whose data may become anything, and which does not count requests."""
    with running_product(DEMO="1", RATE_UNITS="0", RATE_ADDRESS_UNITS="0") as launched:
        yield launched
