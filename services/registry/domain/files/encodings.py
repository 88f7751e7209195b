"""How a text file is written: Unicode, Windows-1258, or the legacy fonts TCVN3 and VNI over Latin letters."""

import codecs
import re
import unicodedata
from typing import NamedTuple

UTF8, UTF16, UTF16BE, CP1258 = "utf-8-sig", "utf-16-le", "utf-16-be", "cp1258"
# Every byte is a letter here, so that a legacy font's bytes come through as they are.
BYTES = "latin-1"
TCVN3, VNI = "tcvn3", "vni"
LEGACY = (TCVN3, VNI)
_MARKS = ((codecs.BOM_UTF8, UTF8), (codecs.BOM_UTF16_LE, UTF16), (codecs.BOM_UTF16_BE, UTF16BE))
_LOOKED_AT = 64 * 1024

# TCVN 5712:1993, VN3 (the .Vn fonts): from 0xA1 on, without gaps where letters stand.
_TCVN3 = dict(
    zip(
        [*range(0xA1, 0xAF), *range(0xB5, 0xBA), *range(0xBB, 0xBF), *range(0xC6, 0xCD), *range(0xCE, 0xD9),
         *range(0xDC, 0xE0), *range(0xE1, 0xF0), *range(0xF1, 0xFF)],
        "ĂÂÊÔƠƯĐăâêôơưđàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ",
        strict=True,
    )
)  # fmt: skip
# VNI-Windows: a letter, then a sign for its marks; some letters stand alone.
_VNI_ALONE = dict(zip("ôöñòæóîÔÖÑÒÆÓÎ", "ơưđịỉĩỵƠƯĐỊỈĨỴ", strict=True))
_GRAVE, _ACUTE, _HOOK, _TILDE, _DOT, _HAT, _BREVE = "\u0300", "\u0301", "\u0309", "\u0303", "\u0323", "\u0302", "\u0306"
_VNI_SIGNS = {
    "ø": _GRAVE, "ù": _ACUTE, "û": _HOOK, "õ": _TILDE, "ï": _DOT,
    "â": _HAT, "à": _HAT + _GRAVE, "á": _HAT + _ACUTE, "å": _HAT + _HOOK, "ã": _HAT + _TILDE, "ä": _HAT + _DOT,
    "ê": _BREVE, "è": _BREVE + _GRAVE, "é": _BREVE + _ACUTE, "ú": _BREVE + _HOOK, "ü": _BREVE + _TILDE,
    "ë": _BREVE + _DOT,
}  # fmt: skip
_VNI_SIGNS |= {sign.upper(): marks for sign, marks in _VNI_SIGNS.items()}
_VNI_BASES = frozenset("aeiouyôöAEIOUYÔÖ")
_SYLLABLE = re.compile(
    r"(?:ngh|ng|nh|gh|gi|kh|ph|th|tr|ch|qu|[bcdđghklmnprstvx])?"
    r"(?:[aăâeêioôơuưy]{1,3})(?:ch|ng|nh|[cmnpt])?"
)


class Guess(NamedTuple):
    """`legacy`: a font is suspected; nothing is read by it before a person has looked at the preview."""

    encoding: str
    legacy: str | None = None


def guess(content: bytes) -> Guess:
    """Of the beginning of a file. What is no Unicode is weighed by how Vietnamese it reads."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return Guess(encoding)
    start = content[:_LOOKED_AT]
    if (wide := _wide(start)) is not None:
        return Guess(wide)
    if _is_utf8(start):
        return Guess(UTF8, suspected(start.decode("utf-8", "ignore")))
    text = start.decode(BYTES)
    weighed = {
        Guess(CP1258): share(decoded(start, CP1258)),
        Guess(BYTES, TCVN3): share(relieved(text, TCVN3)),
        Guess(BYTES, VNI): share(relieved(text, VNI)),
    }
    return max(weighed, key=lambda one: weighed[one])


def suspected(text: str) -> str | None:
    """The font in which a Unicode text was typed, when it reads better by it: sheets keep its bytes as letters."""
    if text.isascii() or any(ord(letter) > 0xFF for letter in text):
        return None
    plain = share(text)
    found = max(LEGACY, key=lambda font: share(relieved(text, font)))
    return found if share(relieved(text, found)) > max(plain, 0.6) else None


def _wide(content: bytes) -> str | None:
    """UTF-16 without its mark: every other byte of what is mostly Latin is zero."""
    odd, even = content[1:2000:2].count(0), content[0:2000:2].count(0)
    half = max(len(content[:2000]) // 2, 1)
    if odd > half * 0.4 and even < half * 0.1:
        return UTF16
    return UTF16BE if even > half * 0.4 and odd < half * 0.1 else None


def _is_utf8(content: bytes) -> bool:
    try:
        # The end may cut a letter in two.
        codecs.getincrementaldecoder("utf-8")().decode(content)
    except UnicodeDecodeError:
        return False
    return True


def decoded(content: bytes, encoding: str) -> str:
    return unicodedata.normalize("NFC", content.decode(encoding, "replace"))


def relieved(text: str, font: str) -> str:
    """A text whose letters are a legacy font's, in Unicode."""
    if font == TCVN3:
        return "".join(_TCVN3.get(ord(letter), letter) for letter in text)
    out: list[str] = []
    for letter in text:
        marks = _VNI_SIGNS.get(letter)
        if marks and out and out[-1] in _VNI_BASES:
            out[-1] = unicodedata.normalize("NFC", _VNI_ALONE.get(out[-1], out[-1]) + marks)
        else:
            out.append(letter)
    return "".join(_VNI_ALONE.get(letter, letter) for letter in out)


def share(text: str) -> float:
    """How many of the words that are not plain Latin are syllables of Vietnamese, from 0 to 1."""
    words = [word for word in re.findall(r"[^\W\d_]+", text) if not word.isascii()]
    if not words:
        return 0.0
    return sum(_reads(word) for word in words[:2000]) / len(words[:2000])


def _reads(word: str) -> bool:
    bare, tones = [], 0
    for letter in unicodedata.normalize("NFD", word.lower()):
        if letter in (_GRAVE, _ACUTE, _HOOK, _TILDE, _DOT):
            tones += 1
        else:
            bare.append(letter)
    return tones <= 1 and _SYLLABLE.fullmatch(unicodedata.normalize("NFC", "".join(bare))) is not None
