"""What is signed can be checked without us; what was changed afterwards is found."""

import asyncio
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from pypdf import PdfReader

from kernel.papers import paper, qr_svg
from kernel.seals import Seal, SealBroken, SealMissing, checked, make_development_seal, opened

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
VALUES = {"number": "HS-2026-00001", "parts": [{"code": "land_paper", "sha256": "ab" * 32}], "at": NOW}
TEMPLATE = """
#import "/kernel/paper/sheet.typ": content, facts, sheet
#show: sheet.with(agency: "UBND tỉnh Cà Mau", office: "Sở Xây dựng", number: "Số: 1", foot: [abc])
= #content.title
#facts(content.facts)
"""


@pytest.fixture(scope="module")
def seal(tmp_path_factory: pytest.TempPathFactory) -> Seal:
    file = tmp_path_factory.mktemp("seal") / "seal.p12"
    make_development_seal(file, "secret", now=NOW)
    assert file.stat().st_mode & 0o077 == 0
    return Seal(file, "secret")


def test_signed_values_are_read_back_with_their_signer(seal: Seal):
    said, signer = checked(seal.sign(VALUES), VALUES)
    assert said["number"] == "HS-2026-00001"
    assert signer.development
    assert signer.sha256 == seal.signer.sha256


def test_other_values_are_not_what_was_signed(seal: Seal):
    with pytest.raises(SealBroken):
        checked(seal.sign(VALUES), {**VALUES, "number": "HS-2026-00002"})


@pytest.mark.parametrize("place", [10, -10])
def test_a_changed_letter_breaks_the_seal(seal: Seal, place: int):
    sealed = seal.sign(VALUES)
    letter = "A" if sealed[place] != "A" else "B"
    broken = sealed[:place] + letter + (sealed[place + 1 :] if place != -1 else "")
    with pytest.raises(SealBroken):
        checked(broken)


@pytest.mark.parametrize("nonsense", ["", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
def test_nonsense_is_not_a_seal(nonsense: str):
    with pytest.raises(SealBroken):
        checked(nonsense)


def test_without_a_key_it_is_said_so():
    with pytest.raises(SealMissing):
        opened(None, "")


async def test_a_paper_has_its_words_and_a_signature_over_all_of_it(seal: Seal, tmp_path: Path):
    # Typst reads templates below the repository's root only.
    template = Path(__file__).parents[2] / "var" / f"{tmp_path.name}.typ"
    template.parent.mkdir(exist_ok=True)
    template.write_text(TEMPLATE)
    try:
        content = {"title": "Giấy biên nhận", "facts": [["Số hồ sơ", 'HS #1 "ữ" *ậ*']]}
        made = await paper(template, content, now=NOW)
        again = await paper(template, content, now=NOW)
    finally:
        template.unlink()
    assert made == again
    text = PdfReader(io.BytesIO(made)).pages[0].extract_text()
    assert 'HS #1 "ữ" *ậ*' in text
    assert "Độc lập" in text
    signed = await seal.sign_pdf(made, reason="receipt")
    assert signed.startswith(made)
    status = await asyncio.to_thread(_status, signed)
    assert status.intact
    assert status.valid
    assert status.coverage.name == "ENTIRE_FILE"


def _status(signed: bytes):
    return validate_pdf_signature(
        PdfFileReader(io.BytesIO(signed)).embedded_signatures[0], ValidationContext(trust_roots=[])
    )


def test_a_qr_code_is_a_drawing():
    assert qr_svg("http://127.0.0.1:8080/plates/CM-M-000001-1").startswith("<svg")
