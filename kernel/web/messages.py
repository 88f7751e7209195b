"""Keep each package's Vietnamese catalogue in step with its texts: `python -m kernel.web.messages [package ...]`.

Extracts from Python (`_`, `gettext`, `ngettext`, `N_`, `gettext_of(request, ...)`) and templates, adds what is new with
an empty translation, drops what is gone, and says what is still to be translated. Never guesses (no fuzzy entries).
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent.parent
LOCALE = "vi"
METHODS = [("**/tests/**", "ignore"), ("**.py", "python"), ("**/templates/**.html", "jinja2")]
OPTIONS: dict[str, dict[str, Any]] = {"**/templates/**.html": {"extensions": "jinja2.ext.do", "trimmed": "true"}}
KEYWORDS: dict[str, Any] = {**DEFAULT_KEYWORDS, "N_": None, "gettext_of": (2,)}


def packages() -> list[Path]:
    """The kernel, each service, the gateway: whatever has texts of its own."""
    services = sorted(path.parent for path in (ROOT / "services").glob("*/__init__.py"))
    return [path for path in (ROOT / "kernel", *services, ROOT / "gateway") if path.is_dir()]


def catalogue_of(package: Path) -> Path:
    return package / "locale" / LOCALE / "LC_MESSAGES" / "messages.po"


def extracted(package: Path) -> Catalog:
    """All texts of a package, with the files they stand in."""
    found = Catalog(locale=LOCALE)
    for name, _line, message, _comments, context in extract_from_dir(package, METHODS, OPTIONS, KEYWORDS):
        found.add(message, locations=[(name, 0)], context=context)
    return found


def update(package: Path) -> list[str]:
    """Write the catalogue anew; returns what is still untranslated."""
    path = catalogue_of(package)
    known, texts = _read(path), extracted(package)
    for message in _messages(texts):
        translated = known.get(message.id)
        if translated is not None and translated.string:
            message.string = translated.string
    if not list(_messages(texts)):
        return []
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as target:
        write_po(target, texts, width=120, omit_header=True, sort_output=True, include_lineno=False)
    return faults(package)


def faults(package: Path) -> list[str]:
    """Texts without a Vietnamese translation, fuzzy ones, and translations whose placeholders differ."""
    known = _read(catalogue_of(package))
    found = []
    for message in _messages(extracted(package)):
        translated = known.get(message.id)
        text = message.id if isinstance(message.id, str) else message.id[0]
        if translated is None or not _complete(translated):
            found.append(f"{package.name}: no translation of {text!r}")
        elif translated.fuzzy:
            found.append(f"{package.name}: fuzzy translation of {text!r}")
        elif _placeholders(text) - _placeholders("".join(strings(translated))):
            found.append(f"{package.name}: placeholders lost in the translation of {text!r}")
    return found


def _read(path: Path) -> Catalog:
    if not path.exists():
        return Catalog(locale=LOCALE)
    with path.open("rb") as source:
        return read_po(source, locale=LOCALE)


def _messages(catalog: Catalog) -> Iterator[Message]:
    return (message for message in catalog if message.id)


def strings(message: Message) -> tuple[str, ...]:
    """The translations of a message: one, or one for each plural form."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


def _complete(message: Message) -> bool:
    texts = strings(message)
    return bool(texts) and all(text.strip() for text in texts)


def _placeholders(text: str) -> set[str]:
    """Names in `%(name)s` and `{name}`."""
    words = text.replace("%(", "{").replace(")s", "}").replace(")d", "}").split("{")[1:]
    return {word.split("}")[0].split(":")[0] for word in words if "}" in word}


def main() -> None:
    chosen = [ROOT / name for name in sys.argv[1:]] or packages()
    missing = [fault for package in chosen for fault in update(package)]
    print("\n".join(missing) or "every text has its translation")
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main()
