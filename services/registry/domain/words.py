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


_WORD = re.compile(r"[a-z]{4,30}")


def is_searchable(word: str) -> bool:
    """Long enough for a typo to be one, and no number: of those a wrong one is another thing."""
    return _WORD.fullmatch(word) is not None


def searched(text: str) -> list[str]:
    """The words of a search; every one of them begins one of the record's words."""
    return fold(text).split()[:10]


def variants(word: str) -> list[str]:
    """The word, and what is left when one letter goes: two words that share one are a typo apart."""
    return [word, *dict.fromkeys(word[:place] + word[place + 1 :] for place in range(len(word)))]
