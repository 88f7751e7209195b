"""Translations read straight from .po files, so that no compiled catalogue can be stale."""

from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from starlette.requests import Request

KERNEL_LOCALE = Path(__file__).parent.parent / "locale"
LOCALES = ("vi", "en")
DEFAULT = "vi"


def translations(dirs: Sequence[Path], locale: str) -> Translations:
    """The kernel's catalogue with those of `dirs` (each `<dir>/<locale>/LC_MESSAGES/messages.po`) merged over it.

    A missing catalogue is empty: msgids are plain English, so `en` needs no file.
    """
    return _merged((KERNEL_LOCALE, *dirs), locale)


def locale_of(request: Request) -> str:
    """`?lang=` (the switch), else the cookie `lang`, else Accept-Language, else Vietnamese."""
    for chosen in (request.query_params.get("lang"), request.cookies.get("lang")):
        if chosen in LOCALES:
            return chosen
    return preferred(request.headers.get("accept-language", ""))


def preferred(accept_language: str) -> str:
    """The supported language of the highest weight in an Accept-Language value."""
    best, weight = DEFAULT, 0.0
    for part in accept_language.split(","):
        tag, _, parameter = part.strip().partition(";")
        language = tag.split("-")[0].strip().lower()
        quality = _quality(parameter)
        if language in LOCALES and quality > weight:
            best, weight = language, quality
    return best


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


@lru_cache
def _merged(dirs: tuple[Path, ...], locale: str) -> Translations:
    merged = Translations()
    for directory in dict.fromkeys(dirs):
        path = directory / locale / "LC_MESSAGES" / "messages.po"
        if path.exists():
            read = _read(path, locale)
            merged.merge(read)
            merged.plural = read.plural  # merge() keeps English plurals otherwise
    return merged


def _read(path: Path, locale: str) -> Translations:
    compiled = BytesIO()
    with path.open("rb") as source:
        write_mo(compiled, read_po(source, locale=locale))
    compiled.seek(0)
    return Translations(compiled)
