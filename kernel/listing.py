"""What every list of the API understands: page, total, filters with operators, sparse fields, expansion."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from kernel.errors import N_, Fault, Invalid
from kernel.paging import DEFAULT_LIMIT, MAX_LIMIT
from kernel.texts import STORABLE, Day

SIGNS = {"": "=", "ne": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


class UnknownField(Invalid):
    detail = N_("These fields cannot be asked for here: {names}.")


def _split(given: Any) -> Any:
    """`status.in=a,b` and `status.in=a&status.in=b` say the same."""
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, list):
        return given
    return [word for each in given for word in (each.split(",") if isinstance(each, str) else [each])]


Word = Annotated[str, StringConstraints(min_length=1, max_length=100), STORABLE]
Words = Annotated[list[Word], BeforeValidator(_split), Field(max_length=50)]
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
