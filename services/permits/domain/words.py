"""Vietnamese words made comparable: without marks, in small letters."""

import unicodedata


def fold(text: str) -> str:
    """`Phường Tân Xuyên` -> `phuong tan xuyen`."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return plain.replace("đ", "d").replace("Đ", "D").lower()
