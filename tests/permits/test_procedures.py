"""Procedures as data: what is shipped, what publishing refuses, how predicates explain themselves."""

import copy
import tomllib
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from services.permits import commands, queries
from services.permits.commands.publish import SHIPPED
from services.permits.domain.predicate import Every, Leaf, Not, judge
from services.permits.domain.procedure import Procedure, canonical, digest, faults_of, required_parts, route
from services.permits.domain.refusals import ProcedureBroken, PublishedDiffers
from tests.permits.world import NOW

FACTS = ("foundation", "height_m", "in_obstacle_surface", "in_road_corridor", "kind", "code", "code_system")
FUNCTIONS = ("construction", "transport", "natural_resources", "defence")


def raw(name: str = "mast.new.permit.1") -> dict[str, Any]:
    return tomllib.loads((SHIPPED / "procedures" / f"{name}.toml").read_text())


def made(**changes: Any) -> Procedure:
    return Procedure.model_validate({**raw(), **changes})


def parts(*procedures: Procedure) -> set[str]:
    return {part.code for procedure in procedures for part in procedure.parts}


def faults(*procedures: Procedure) -> list[str]:
    return faults_of(procedures, facts=FACTS, functions=FUNCTIONS, parts=parts(*procedures))


@pytest.mark.unit
def test_the_shipped_versions_cover_time_without_hole_or_overlap() -> None:
    permit, notice = (Procedure.model_validate(raw(n)) for n in ("mast.new.permit.1", "mast.new.notice.1"))
    assert faults(permit, notice) == []
    assert (permit.valid_to, notice.valid_from) == (date(2026, 1, 1), date(2026, 1, 1))
    assert notice.clock("decision").unverified


@pytest.mark.unit
def test_the_canonical_form_comes_back_equal() -> None:
    permit = made()
    assert Procedure.model_validate_json(canonical(permit)) == permit
    assert digest(permit) == digest(Procedure.model_validate_json(canonical(permit)))


@pytest.mark.unit
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"valid_to": None}, "overlap"),
        ({"valid_to": date(2025, 12, 31)}, "nothing is valid from 2025-12-31 to 2026-01-01"),
        ({"lead": "sea_rescue"}, "unknown function sea_rescue"),
        (
            {"agencies": [{"function": "transport", "when": {"fact": "moon", "op": "==", "value": 1}}]},
            "unknown fact moon",
        ),
    ],
)
def test_publishing_names_holes_overlaps_and_the_unknown(changes: dict[str, Any], said: str) -> None:
    notice = Procedure.model_validate(raw("mast.new.notice.1"))
    assert any(said in fault for fault in faults(made(**changes), notice))


@pytest.mark.unit
def test_the_last_version_must_not_end() -> None:
    assert any("nothing is valid from 2026-01-01 on" in fault for fault in faults(made()))


def clock(**changes: Any) -> list[dict[str, Any]]:
    listed = copy.deepcopy(raw()["clocks"])
    listed[0] |= changes
    return listed  # type: ignore[no-any-return]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"clocks": clock(starts="complete", ends="complete")}, "has no effect"),
        ({"clocks": clock(starts="complete", ends=None)}, "cycle"),
        ({"clocks": clock(on_expiry="deemed_agreed", ends="answered")}, "silence means agreement only"),
        ({"clocks": clock(length=0)}, "greater than 0"),
        ({"clocks": clock(name="recheck")}, "clock recheck is named twice"),
        ({"clocks": clock(extension={"max": 3, "unit": "day"})}, "another unit"),
        ({"may_build": ["granted", "refused"]}, "may_build"),
        ({"may_build": ["approved"]}, "may_build"),
        ({"valid_to": date(2022, 1, 1)}, "valid_to"),
        ({"surprise": 1}, "Extra inputs are not permitted"),
        ({"agencies": [{"function": "x", "when": {"fact": "a", "op": "~", "value": 1}}]}, "op"),
    ],
)
def test_a_broken_version_is_no_version(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        made(**changes)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("op", "value", "given", "holds"),
    [
        ("==", "roof", "roof", True),
        ("!=", "roof", "ground", True),
        (">=", 100, Decimal("100.0"), True),
        (">=", 100, Decimal("99.9"), False),
        ("<", 45, 44.9, True),
        ("in", ["A1", "A2"], "A2", True),
        ("within", [45, 75], Decimal(75), True),
        ("within", [45, 75], 75.1, False),
        ("==", True, True, True),
        ("==", True, 1, False),
        (">", 1, True, False),
        (">", 1, "much", False),
        ("==", "x", None, False),
        ("!=", "x", None, False),
    ],
)
def test_a_leaf_holds_or_not(op: str, value: Any, given: Any, holds: bool) -> None:
    judgement = judge(Leaf(fact="f", op=op, value=value), {"f": given})  # type: ignore[arg-type]
    assert judgement.holds is holds
    assert judgement.reasons[0].given == given


@pytest.mark.unit
def test_every_leaf_gives_its_reason_also_under_not() -> None:
    tree = Every(all=[Leaf(fact="a", op="==", value=1), Not(**{"not": Leaf(fact="b", op="==", value=2)})])
    judgement = judge(tree, {"a": 1, "b": 3})
    assert judgement.holds
    assert [(r.fact, r.holds) for r in judgement.reasons] == [("a", True), ("b", False)]


@pytest.mark.unit
@pytest.mark.parametrize(("height", "asked"), [("99.9", False), ("100.0", True)])
def test_defence_is_asked_from_a_hundred_metres(height: str, asked: bool) -> None:
    routed = {each.function: each for each in route(made(), [{"height_m": Decimal(height)}])}
    assert routed["construction"].asked
    assert routed["defence"].asked is asked
    assert routed["defence"].reasons[0].fact == "height_m"


@pytest.mark.unit
def test_a_mast_on_a_roof_needs_more_paper() -> None:
    ground = {part.code for part in required_parts(made(), [{"foundation": "ground"}])}
    roof = {part.code for part in required_parts(made(), [{"foundation": "roof"}])}
    assert roof - ground == {"lease", "structure_check"}


@pytest.mark.database
async def test_publishing_again_is_nothing_new_and_other_content_is_an_error(tx: AsyncSession, tmp_path: Any) -> None:
    before = await queries.procedure_rows(tx)
    await commands.publish(tx, now=NOW)
    assert await queries.procedure_rows(tx) == before
    for name in ("lists", "procedures", "calendars"):
        (tmp_path / name).mkdir()
        for path in (SHIPPED / name).glob("*.toml"):
            (tmp_path / name / path.name).write_text(path.read_text().replace("length = 20,", "length = 21,"))
    with pytest.raises(PublishedDiffers):
        await commands.publish(tx, now=NOW, folder=tmp_path)


@pytest.mark.database
async def test_a_broken_file_is_refused_with_its_faults(tx: AsyncSession, tmp_path: Any) -> None:
    for name in ("lists", "procedures", "calendars"):
        (tmp_path / name).mkdir()
        for path in (SHIPPED / name).glob("*.toml"):
            (tmp_path / name / path.name).write_text(path.read_text().replace("length = 20,", "length = -1,"))
    with pytest.raises(ProcedureBroken) as refused:
        await commands.publish(tx, now=NOW, folder=tmp_path)
    assert any("clocks" in fault.pointer for fault in refused.value.errors)
