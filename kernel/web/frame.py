"""The frame around every page of one application: its templates, words and navigation."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from babel.support import Translations
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from kernel.web import formats, i18n
from kernel.web.assets import icon_names

WEB = Path(__file__).parent
STATIC_DIR = WEB / "static"
TEMPLATES_DIR = WEB / "templates"
OWN_MARKS = frozenset(re.findall(r'<symbol id="([^"]+)"', (STATIC_DIR / "marks.svg").read_text()))
ICONS = frozenset(icon_names())


class NavEntry(Protocol):
    """One page in the side bar. No capabilities: for everyone who is signed in; otherwise one of them is enough."""

    @property
    def path(self) -> str: ...
    @property
    def icon(self) -> str: ...
    @property
    def label(self) -> Mapping[str, str]: ...
    @property
    def short(self) -> Mapping[str, str]: ...
    @property
    def capabilities(self) -> frozenset[str]: ...
    @property
    def phone(self) -> bool: ...
    @property
    def key(self) -> str: ...
    @property
    def search(self) -> Mapping[str, str]: ...


class NavGroup(Protocol):
    @property
    def label(self) -> Mapping[str, str]: ...
    @property
    def entries(self) -> Sequence[NavEntry]: ...


@dataclass(frozen=True)
class NavLink:
    path: str
    icon: str
    label: str
    short: str
    phone: bool
    key: str
    search: str
    active: bool
    count: int | None


@dataclass
class Frame:
    """Made once by `create_app` and kept as `app.state.frame`; `render` finds it there.

    `locale_dirs` and `template_dirs` are the application's own; the kernel's are added.
    `form_key` signs form tokens; `clock` returns the aware present instant.
    """

    locale_dirs: Sequence[Path]
    template_dirs: Sequence[Path]
    nav: Sequence[NavGroup]
    demo: bool
    form_key: str
    clock: Callable[[], datetime]
    _environments: dict[str, Environment] = field(default_factory=dict, repr=False)

    def translations(self, locale: str) -> Translations:
        return i18n.translations(self.locale_dirs, locale)

    def environment(self, locale: str) -> Environment:
        if locale not in self._environments:
            self._environments[locale] = environment(self.template_dirs, self.translations(locale), locale)
        return self._environments[locale]

    def links(
        self, locale: str, capabilities: frozenset[str], path: str, counts: Mapping[str, int]
    ) -> list[tuple[str, list[NavLink]]]:
        """The groups this person sees, the entry of the present page marked; a path is listed once."""
        allowed: list[tuple[NavGroup, list[NavEntry]]] = []
        seen: set[str] = set()
        for group in self.nav:
            entries = []
            for entry in group.entries:
                if entry.path not in seen and (not entry.capabilities or entry.capabilities & capabilities):
                    seen.add(entry.path)
                    entries.append(entry)
            if entries:
                allowed.append((group, entries))
        active = max((each for each in seen if _covers(each, path)), key=len, default="")
        return [
            (group.label[locale], [_link(entry, locale, active, counts) for entry in entries])
            for group, entries in allowed
        ]


def environment(template_dirs: Sequence[Path], words: Translations, locale: str) -> Environment:
    """A Jinja environment of one language: autoescape, StrictUndefined, gettext, format filters, `icon`, `static`."""
    made = Environment(
        loader=FileSystemLoader([*template_dirs, TEMPLATES_DIR]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined]
    made.filters.update(formats.filters(locale))
    made.globals.update(
        icon=icon,
        static=static,
        initials=initials,
        coordinates=lambda lat, lon: formats.coordinates(lat, lon, locale),
        weekdays=formats.weekdays(locale),
        share=formats.share,
    )
    return made


def icon(name: str, label: str | None = None, css: str = "") -> Markup:
    """One symbol of our sprites; with `label` it is an image to screen readers, without it decoration.

    Raises KeyError for a name that is in no sprite.
    """
    if name not in OWN_MARKS and name not in ICONS:
        raise KeyError(f"no icon {name!r}: add it to kernel/web/icons.txt")
    sprite = "marks.svg" if name in OWN_MARKS else "vendor/icons.svg"
    classes = f"{'mk' if name in OWN_MARKS else 'ic'} {css}".strip()
    meaning = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup('<svg class="{}" {}><use href="{}#{}"/></svg>').format(classes, meaning, static(sprite), name)


@cache
def static(path: str) -> str:
    """Address of a file under `static/`, with a digest of its content so that it may be cached for ever."""
    found = STATIC_DIR / path
    if not found.exists():
        return f"/static/{path}"
    return f"/static/{path}?v={sha256(found.read_bytes()).hexdigest()[:10]}"


def initials(name: str) -> str:
    """Two letters of a Vietnamese name: the family name's and the given (last) name's."""
    words = name.split()
    return str(escape("".join(word[0].upper() for word in (words[:1] + words[-1:] if len(words) > 1 else words))))


def _covers(entry: str, path: str) -> bool:
    return path == entry or (entry != "/" and path.startswith(f"{entry}/"))


def _link(entry: NavEntry, locale: str, active: str, counts: Mapping[str, int]) -> NavLink:
    label = entry.label[locale]
    return NavLink(
        path=entry.path,
        icon=entry.icon,
        label=label,
        short=entry.short.get(locale, label),
        phone=entry.phone,
        key=entry.key,
        search=entry.search.get(locale, ""),
        active=entry.path == active,
        count=counts.get(entry.path),
    )


Context = Mapping[str, Any]
