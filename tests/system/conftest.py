"""The whole product with its seed, started as a person does; one for all tests that leave it standing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.product import Launched, running_product
from tests.fixtures.servers import temporary_folder


@pytest.fixture(scope="session")
def clock_file() -> Iterator[Path]:
    """An instant written here moves all processes of `product`; empty means the real time."""
    with temporary_folder("hatang-clock-") as folder:
        file = folder / "clock"
        file.write_text("")
        yield file


@pytest.fixture(scope="session")
def product(clock_file: Path) -> Iterator[Launched]:
    with running_product(DEMO="1", CLOCK_FILE=str(clock_file)) as launched:
        assert "demo filled" in launched.printed, launched.printed
        yield launched
