"""A part is shown to the scanner before it is taken."""

import io

import pytest
from PIL import Image

from kernel.errors import Unavailable
from services.permits.commands import take
from services.permits.domain.refusals import InfectedFile
from services.permits.settings import PermitsSettings
from tests.kernel.test_scan import clamd

pytestmark = pytest.mark.unit


def picture() -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (8, 8)).save(content, "PNG")
    return content.getvalue()


async def body():
    yield picture()


def settings(**more: object) -> PermitsSettings:
    return PermitsSettings.model_validate(
        {"name": "permits", "nats_url": "-", "form_key": "-", "database_url": "-", **more}
    )


async def test_what_the_scanner_finds_is_refused():
    async with clamd(b"stream: Win.Test FOUND\0") as address:
        with pytest.raises(InfectedFile) as refusal:
            async with take(body(), "a.png", settings(clamd=address)):
                pass
    assert (refusal.value.status, refusal.value.params) == (422, {"name": "Win.Test"})


async def test_a_clean_one_is_taken():
    async with clamd() as address, take(body(), "a.png", settings(clamd=address)) as taken:
        assert taken.media_type == "image/png"


async def test_a_scanner_that_is_away_refuses_for_a_time_unless_it_is_not_needed():
    with pytest.raises(Unavailable):
        async with take(body(), "a.png", settings(clamd="/nonexistent")):
            pass
    async with take(body(), "a.png", settings(clamd="/nonexistent", clamd_needed=False)) as taken:
        assert taken.size > 0
