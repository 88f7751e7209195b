"""Vietnamese words for matching (without accents) and for order (by the Vietnamese alphabet)."""

import re
import unicodedata

from kernel.texts import fold

_ALPHABET = {letter: chr(0x41 + place) for place, letter in enumerate("aăâbcdđeêfghijklmnoôơpqrstuưvwxyz")}
_TONES = {"\u0300": "1", "\u0309": "2", "\u0303": "3", "\u0301": "4", "\u0323": "5"}
_SEPARATOR = "\x1f"


def sort_key(text: str) -> str:
    """To be compared byte by byte: letters by the alphabet first, tones only between equals, numbers by value."""
    letters, tones = "", ""
    padded = re.sub(r"\d+", lambda digits: digits[0].zfill(6), text.lower())
    for sign in unicodedata.normalize("NFC", padded):
        parts = unicodedata.normalize("NFD", sign)
        tone = next((mark for mark in parts if mark in _TONES), "")
        letter = unicodedata.normalize("NFC", parts.replace(tone, "")) if tone else sign
        if letter in _ALPHABET or letter.isdigit():
            letters += _ALPHABET.get(letter, letter)
            tones += _TONES.get(tone, "0")
        elif letters and not letters.endswith(" "):
            letters += " "
    return f"{letters.rstrip()}{_SEPARATOR}{tones}"


def search_query(text: str) -> str:
    """What PostgreSQL's `to_tsquery('simple', ...)` takes: every word begins one of the record's words."""
    return " & ".join(f"{word}:*" for word in fold(text).split())
