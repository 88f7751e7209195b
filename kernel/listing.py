"""What every list of the API understands: page, total, filters with operators, sparse fields, expansion."""

# ruff: noqa: S608 -- composed of constants of the callers; every value is bound

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import direct
from kernel.errors import N_, Fault, Invalid
from kernel.paging import DEFAULT_LIMIT, MAX_LIMIT, BadCursor
from kernel.texts import STORABLE, Day

SIGNS = {"": "=", "ne": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


class UnknownField(Invalid):
    detail = N_("These fields cannot be asked for here: {names}.")


def split(given: Any) -> Any:
    """`status.in=a,b` and `status.in=a&status.in=b` say the same."""
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, list):
        return given
    return [word for each in given for word in (each.split(",") if isinstance(each, str) else [each])]


Word = Annotated[str, StringConstraints(min_length=1, max_length=100), STORABLE]
Words = Annotated[list[Word], BeforeValidator(split), Field(max_length=50)]
Query = Annotated[str, StringConstraints(max_length=100), STORABLE]


class Listing(BaseModel):
    """The query of a list. A filter is a member of the row, `height_m.gte=45` one with an operator; others are refused.

    A subclass adds its filters as fields whose alias is `member.operator`; `conditions` turns them into SQL.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True)

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="Rows a page holds at most.")] = DEFAULT_LIMIT
    cursor: Annotated[str | None, Field(max_length=2000, description="`next` of the page before.")] = None
    total: Annotated[bool, Field(description="Also count all rows that the filters find.")] = False
    fields: Annotated[Words | None, Field(description="Only these members of each row, comma separated.")] = None


class Sparse(BaseModel):
    """A row of a list: with `fields` it holds only those, so that none is promised."""

    model_config = ConfigDict(json_schema_extra=lambda schema: schema.pop("required", None))


class Page(BaseModel):
    """`next` is the cursor of the page after this one; null on the last. `total` only when it was asked for."""

    next: str | None
    total: int | None = None


class Dated(BaseModel):
    """Beside `Listing` where a thing has two times."""

    as_of: Annotated[Day | None, Field(description="As it was at the end of this day; today.")] = None
    known_at: Annotated[
        str | None, Field(max_length=40, description="As known at this instant, or at the end of this day; now.")
    ] = None


def operator(member: str, sign: str, words: str = "") -> Any:
    """A filter with an operator, such as `operator("height_m", "gte", "Metres above ground.")`; absent: none."""
    return Field(default=None, alias=f"{member}.{sign}", description=words or None)


def conditions(asked: BaseModel, columns: Mapping[str, str]) -> tuple[list[str], dict[str, Any]]:
    """The SQL of the filters whose member has a column in `columns`, and their values; what has none is the query's."""
    found: list[str] = []
    values: dict[str, Any] = {}
    for name in asked.model_fields_set:
        value = getattr(asked, name)
        member, _, sign = (type(asked).model_fields[name].alias or name).partition(".")
        if value is None or member not in columns:
            continue
        values[name] = value
        found.append(
            f"{columns[member]} = ANY(:{name})" if sign == "in" else f"{columns[member]} {SIGNS[sign]} :{name}"
        )
    return sorted(found), values


@dataclass(frozen=True)
class Shape:
    """The members of a row as SQL expressions, by name: all of `members` are told unless fewer are asked for.

    `more` are told only when `expand` names them. Of both a caller gets what he may see: the SQL itself decides.
    """

    members: Mapping[str, str]
    more: Mapping[str, str] = field(default_factory=dict)

    def sql(self, fields: Collection[str] | None = None, expand: Collection[str] | None = None) -> str:
        """`json_build_object(...)`. Raises UnknownField (422)."""
        told = self._known("fields", fields, {**self.members, **self.more}) if fields else self.members
        added = self._known("expand", expand, self.more) if expand else {}
        pairs = [f"'{name}', {column}" for name, column in {**told, **added}.items()]
        return f"json_build_object({', '.join(pairs)})"

    def _known(self, where: str, names: Collection[str], known: Mapping[str, str]) -> dict[str, str]:
        unknown = sorted(set(names) - set(known))
        if unknown:
            said = ", ".join(unknown)
            raise UnknownField(
                errors=[Fault(f"/query/{where}", "unknown", UnknownField.detail, names=said)], names=said
            )
        return {name: known[name] for name in names}


class Rows(NamedTuple):
    """`items` is the JSON that PostgreSQL made, `after` the keyset of its last row when there are more.

    `beside`: what the page tells besides its rows, read by the same statement.
    """

    items: str
    after: list[Any] | None
    total: int | None = None
    beside: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Order:
    """The keyset of a list: its columns with their SQL types, the last one unique; all in one direction."""

    columns: Mapping[str, str]
    descending: bool = False

    @property
    def by(self) -> str:
        return ", ".join(f"{column} DESC" if self.descending else column for column in self.columns)

    def beyond(self, after: Sequence[Any] | None) -> tuple[str, dict[str, Any]]:
        """The condition that a row lies after a keyset, with its values. Raises BadCursor (422)."""
        if after is None:
            return "true", {}
        if len(after) != len(self.columns):
            raise BadCursor(errors=[Fault("/query/cursor", "malformed", BadCursor.detail)])
        given = ", ".join(f"CAST(CAST(:k{n} AS text) AS {kind})" for n, kind in enumerate(self.columns.values()))
        sign = "<" if self.descending else ">"
        return f"({', '.join(self.columns)}) {sign} ({given})", {f"k{n}": str(key) for n, key in enumerate(after)}


async def page(
    read: AsyncSession,
    row: str,
    source: str,
    order: Order,
    values: Mapping[str, Any],
    *,
    limit: int,
    after: Sequence[Any] | None,
    total: bool = False,
) -> Rows:
    """Rows after a keyset in one statement: `row` is the JSON of one, `source` everything from FROM to the filters.

    Raises BadCursor (422).
    """
    beyond, keys = order.beyond(after)
    statement = (
        "SELECT coalesce(json_agg(x.r ORDER BY x.n) FILTER (WHERE x.n <= :size), '[]')::text AS items,"
        " (json_agg(x.k) FILTER (WHERE x.n = :size))::text AS last, count(*) > :size AS more,"
        f" {f'(SELECT count(*) {source})' if total else 'NULL'} AS total FROM (SELECT {row} AS r,"
        f" json_build_array({', '.join(order.columns)}) AS k, row_number() OVER (ORDER BY {order.by}) AS n"
        f" {source} AND {beyond} ORDER BY {order.by} LIMIT :size + 1) x"
    )
    try:
        one = await direct.row(read, statement, {**values, **keys, "size": limit})
    except DBAPIError as error:
        # The filters were read by their types; a keyset only PostgreSQL can read.
        if keys and str(getattr(error.orig, "sqlstate", "")).startswith("22"):
            raise BadCursor(errors=[Fault("/query/cursor", "malformed", BadCursor.detail)]) from error
        raise
    assert one is not None
    return Rows(one["items"], orjson.loads(one["last"])[0] if one["more"] else None, one["total"])
