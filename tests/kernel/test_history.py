"""The two-time engine against a naive replay that reads its meaning word by word."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.history import Change, believe, rectangles, revise, undo_conflicts

pytestmark = pytest.mark.unit
DAY = date(2024, 1, 1)
INSTANT = datetime(2024, 1, 1, tzinfo=UTC)
ABSENT = object()


def change(no: int, patch: dict[str, Any], start: int, end: int | None = None, corrects: int | None = None) -> Change:
    return Change(
        id=UUID(int=no),
        no=no,
        act="register" if no == 1 else "correct" if corrects else "change",
        valid_from=DAY + timedelta(days=start),
        valid_to=None if end is None else DAY + timedelta(days=end),
        patch=patch,
        recorded_at=INSTANT + timedelta(hours=no),
        corrects=None if corrects is None else UUID(int=corrects),
    )


def naive(changes: list[Change], attribute: str, day: date, known: datetime) -> Any:
    """decisions.md section 3, 'Meaning', as one would say it."""
    recorded = [c for c in changes if c.recorded_at <= known]

    def is_live(one: Change) -> bool:
        return not any(c.corrects == one.id and is_live(c) for c in recorded)

    def is_register(one: Change) -> bool:
        if one.act == "register":
            return True
        target = next((c for c in recorded if c.id == one.corrects), None)
        return target is not None and is_register(target)

    registers = [c for c in recorded if is_live(c) and is_register(c) and c.patch]
    if not registers or day < max(registers, key=lambda c: c.no).valid_from:
        return ABSENT
    said = [c for c in recorded if attribute in c.patch and c.holds_on(day) and is_live(c)]
    return max(said, key=lambda c: (c.valid_from, c.no)).patch[attribute] if said else ABSENT


@st.composite
def histories(draw: st.DrawFn) -> list[Change]:
    size = draw(st.integers(1, 9))
    changes = [change(1, {"owner": "A", "height": 40}, draw(st.integers(0, 20)))]
    free = [1]
    for no in range(2, size + 1):
        corrects = draw(st.sampled_from([None, *free]))
        patch = draw(st.dictionaries(st.sampled_from(["owner", "height", "status"]), st.integers(0, 3), max_size=3))
        if corrects is None and not patch:
            patch = {"status": 1}
        start = draw(st.integers(0, 30))
        end = draw(st.one_of(st.none(), st.integers(start + 1, 40)))
        changes.append(change(no, patch, start, end, corrects))
        free = [f for f in free if f != corrects] + [no]
    return changes


@settings(max_examples=300, deadline=None)
@given(histories(), st.integers(-2, 42), st.integers(0, 10), st.randoms())
def test_rectangles_equal_the_naive_replay_at_any_two_times(changes, day_no, hour, shuffler):
    day, known = DAY + timedelta(days=day_no), INSTANT + timedelta(hours=hour)
    shuffled = list(changes)
    shuffler.shuffle(shuffled)
    found = [
        r
        for r in rectangles(shuffled)
        if r.recorded_from <= known
        and (r.recorded_to is None or known < r.recorded_to)
        and r.version.valid_from <= day
        and (r.version.valid_to is None or day < r.version.valid_to)
    ]
    assert len(found) <= 1
    for attribute in ("owner", "height", "status"):
        said = found[0].version.values.get(attribute, ABSENT) if found else ABSENT
        assert said == naive(changes, attribute, day, known)


@settings(max_examples=300, deadline=None)
@given(histories())
def test_a_belief_has_no_gap_and_no_overlap_and_ends_open(changes):
    versions = believe(changes).versions
    for left, right in pairwise(versions):
        assert left.valid_to == right.valid_from
        assert (left.values, left.sources) != (right.values, right.sources)
    assert not versions or versions[-1].valid_to is None


@settings(max_examples=200, deadline=None)
@given(histories())
def test_revising_step_by_step_writes_only_what_altered(changes):
    before = [r for r in rectangles(changes[:-1]) if r.closed_no is None]
    revision = revise(before, changes)
    kept = {r.version.valid_from: r.version for r in before if r not in revision.closed}
    after = {**kept, **{v.valid_from: v for v in revision.opened}}
    assert after == {v.valid_from: v for v in believe(changes).versions}


def test_a_back_dated_owner_change_keeps_a_later_status_change():
    changes = [
        change(1, {"owner": "A", "status": "planned"}, 0),
        change(2, {"status": "in_service"}, 20),
        change(3, {"owner": "B"}, 10),
    ]
    assert [(v.valid_from.day, v.values["owner"], v.values["status"]) for v in believe(changes).versions] == [
        (1, "A", "planned"),
        (11, "B", "planned"),
        (21, "B", "in_service"),
    ]


def test_an_undone_correction_brings_back_what_it_corrected():
    changes = [
        change(1, {"height": 42}, 0),
        change(2, {"height": 45}, 0, corrects=1),
        change(3, {}, 0, corrects=2),
    ]
    assert believe(changes[:2]).versions[0].values == {"height": 45}
    assert believe(changes).versions[0].values == {"height": 42}


def test_undoing_the_registration_leaves_nothing():
    assert believe([change(1, {"height": 42}, 0), change(2, {}, 0, corrects=1)]).versions == ()


def test_a_change_before_the_beginning_is_clipped_and_named():
    early = change(2, {"status": "idle"}, 0)
    belief = believe([change(1, {"status": "planned"}, 10), early])
    assert belief.versions[0].valid_from == DAY + timedelta(days=10)
    assert belief.contradictions == (early,)


def test_an_undo_names_the_later_changes_of_the_same_attributes():
    changes = [change(1, {"height": 42, "owner": "A"}, 0), change(2, {"height": 45}, 5), change(3, {"owner": "B"}, 6)]
    assert [c.no for c in undo_conflicts(changes, UUID(int=2))] == []
    assert [c.no for c in undo_conflicts(changes, UUID(int=1))] == [2, 3]
