"""The permanent public number of a structure, such as `CM-M-004217-3`."""

import re

LETTERS = {"mast": "M", "pole": "P", "duct": "D"}
_FORM = re.compile(r"^CM-([MPD])-(\d{6,})-(\d)$")


def kind_of(text: str) -> str | None:
    """By the letter in the number; None for a text that is none."""
    match = _FORM.match(text)
    return next((kind for kind, letter in LETTERS.items() if match and letter == match[1]), None)


def check_digit(digits: str) -> int:
    """ISO 7064 MOD 11,10: finds every single wrong digit and nearly every swap of neighbours."""
    product = 10
    for digit in digits:
        total = (product + int(digit)) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10


def public_number(kind: str, number: int) -> str:
    digits = f"{number:06d}"
    return f"CM-{LETTERS[kind]}-{digits}-{check_digit(digits)}"


def is_public_number(text: str) -> bool:
    match = _FORM.match(text)
    return match is not None and check_digit(match[2]) == int(match[3])
