"""Which column of a file is which fact: by its heading, else by its figures; what was chosen once is remembered."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property

from kernel.texts import fold
from services.registry.domain.shipped import Shipped, Title
from services.registry.domain.structure import FACTS

OWN = (
    "public_no",
    "id",
    "code_system",
    "code",
    "lon",
    "lat",
    "northing",
    "easting",
    "valid_from",
    "evidence",
    "reason",
)
_NOT_COLUMNS = ("code", "point", "entered", "external_ids", "positions", "line")


class Zone(Shipped):
    """A grid of VN-2000: metres north of the equator, and east with 500,000 on the central meridian."""

    code: str
    title: Title


class Ignored(Shipped):
    headings: list[str]


class Headings(Shipped):
    version: int
    fields: dict[str, list[str]]
    ignored: list[Ignored]
    values: dict[str, dict[str, list[str]]]
    zones: list[Zone]

    @cached_property
    def _fields(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for field, words in self.fields.items():
            for word in (field, *words):
                found.setdefault(fold(word), field)
        return found

    @cached_property
    def _left_out(self) -> frozenset[str]:
        return frozenset(fold(word) for group in self.ignored for word in group.headings)

    def field(self, heading: str) -> str | None:
        said = fold(heading)
        return self._fields.get(said) or self._fields.get(said.removesuffix(" m")) or _in_units(said, self._fields)

    def knows(self, heading: str) -> bool:
        return self.field(heading) is not None or fold(heading) in self._left_out

    def repeats(self, heading: str) -> bool:
        """A column that only repeats or reckons: nobody misses it."""
        return fold(heading) in self._left_out

    def words(self, field: str) -> dict[str, str]:
        """What the field's values are called, without accents."""
        return {fold(word): value for value, words in self.values.get(field, {}).items() for word in (value, *words)}


def _in_units(said: str, known: Mapping[str, str]) -> str | None:
    """`chieu cao cot met`, `kinh do e`: a unit behind what is known."""
    head, _, tail = said.rpartition(" ")
    return known.get(head) if tail in ("met", "m", "e", "n", "do", "wgs84") else None


def fields_of(kind: str) -> list[str]:
    """Every fact that a column can hold."""
    return [*(name for name in FACTS[kind].model_fields if name not in _NOT_COLUMNS), *OWN]


def signature(header: Sequence[str]) -> str:
    """Files of the same columns, in whichever order."""
    return hashlib.sha256("\x1f".join(sorted(fold(name) for name in header)).encode()).hexdigest()


def guess(
    header: Sequence[str],
    samples: Sequence[Sequence[object]],
    kind: str,
    book: Headings,
    remembered: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Heading -> field. What somebody chose for such a file before wins over any guess."""
    possible = set(fields_of(kind))
    found: dict[str, str] = {}
    for place, heading in enumerate(header):
        if not heading:
            continue
        column = [row[place] for row in samples if place < len(row)]
        field = (remembered or {}).get(heading) if remembered else None
        field = field if field is not None else _metres(heading, column) or book.field(heading)
        if field in possible and field not in found.values():
            found[heading] = str(field)
    return found


def _metres(heading: str, column: Sequence[object]) -> str | None:
    """`x` and `y` are degrees or metres, and which is which depends on who wrote the file: the figures tell."""
    if fold(heading) not in ("x", "y", "x m", "y m", "toa do x", "toa do y", "n", "e"):
        return None
    figures = [figure for figure in map(_figure, column) if figure is not None]
    if not figures:
        return None
    middle = sorted(figures)[len(figures) // 2]
    for field, low, high in (("lon", 100, 120), ("lat", 5, 25), ("easting", 150_000, 850_000)):
        if low <= middle <= high:
            return field
    return "northing" if 850_000 < middle < 2_700_000 else None


def _figure(value: object) -> float | None:
    try:
        return float(str(value).replace(",", "."))
    except ValueError:
        return None
