"""The clock: the decided examples, and equality with a plain day-by-day simulation."""

import tomllib
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.permits.domain.calendar import Calendar, CalendarFile
from services.permits.domain.clock import Entry, Step, react, read
from services.permits.domain.procedure import ClockRule, Procedure
from services.permits.domain.refusals import CalendarEnds
from tests.permits.world import local

pytestmark = pytest.mark.unit
SHIPPED = Path(__file__).parents[2] / "services" / "permits" / "data"


def shipped_calendar() -> Calendar:
    file = CalendarFile.model_validate(tomllib.loads((SHIPPED / "calendars" / "96.1.toml").read_text()))
    return Calendar(uuid4(), file.area, file.no, file.starts_on, file.ends_on, file.cutoff, file.half_cutoff, file.days)


CALENDAR = shipped_calendar()


def rule(length: int, unit: str, supplement: str = "none") -> ClockRule:
    return ClockRule(
        name="c",
        length=length,
        unit=unit,
        starts="received",
        ends="decided",
        supplement=supplement,  # type: ignore[arg-type]
    )


def entries(*acts: tuple[str, date] | tuple[str, date, int]) -> list[Entry]:
    return [
        Entry(seq, "c", act[0], act[1], days=act[2] if len(act) > 2 else None)  # type: ignore[arg-type,misc]
        for seq, act in enumerate(acts, 1)
    ]


@pytest.mark.parametrize(
    ("received", "effective", "due"),
    [
        (local(2025, 12, 26, 17, 20), date(2025, 12, 29), date(2026, 1, 9)),
        (local(2025, 12, 31, 17, 30), date(2026, 1, 5), date(2026, 1, 13)),
    ],
)
def test_seven_working_days_over_new_year(received: object, effective: date, due: date) -> None:
    day = CALENDAR.incoming(received)  # type: ignore[arg-type]
    assert day == effective
    assert read(rule(7, "working_day"), entries(("start", day)), CALENDAR).due_on == due


def test_the_make_up_saturday_counts_as_the_fifth_day() -> None:
    found = read(rule(7, "working_day"), entries(("start", date(2026, 1, 5))), CALENDAR)
    saturday = next(day for day in found.days if day.day == date(2026, 1, 10))
    assert (saturday.count, saturday.makeup, saturday.source) == (5, True, "12729/VPCP-KGVX")


def test_twenty_calendar_days_roll_over_the_national_holiday() -> None:
    found = read(rule(20, "day"), entries(("start", date(2025, 8, 12))), CALENDAR)
    assert found.due_on == date(2025, 9, 3)
    assert next(d.day for d in found.days if d.count == 20) == date(2025, 9, 1)
    assert [d.kind for d in found.days[-2:]] == ["rolled", "rolled"]


@pytest.mark.parametrize(("supplement", "due"), [("pause", date(2026, 3, 3)), ("restart", date(2026, 3, 9))])
def test_ten_working_days_with_a_supplement_over_tet(supplement: str, due: date) -> None:
    received = CALENDAR.incoming(local(2026, 2, 9, 8, 30))
    back = CALENDAR.incoming(local(2026, 2, 21, 10))
    assert back == date(2026, 2, 23)
    again = "resume" if supplement == "pause" else "restart"
    acts = entries(("start", received), ("pause", date(2026, 2, 13)), (again, back))
    found = read(rule(10, "working_day", supplement), acts, CALENDAR)
    assert found.due_on == due
    assert next(d.count for d in found.days if d.day == date(2026, 2, 13)) == 4


def test_a_pause_that_ends_on_its_own_day_changes_nothing() -> None:
    start, day = ("start", date(2026, 3, 2)), date(2026, 3, 4)
    plain = read(rule(10, "working_day"), entries(start), CALENDAR)
    paused = read(rule(10, "working_day"), entries(start, ("pause", day), ("resume", day)), CALENDAR)
    assert paused.due_on == plain.due_on


def test_a_paused_clock_has_no_due_date_but_says_what_is_left() -> None:
    found = read(rule(10, "working_day"), entries(("start", date(2026, 3, 2)), ("pause", date(2026, 3, 6))), CALENDAR)
    assert (found.state, found.due_on, found.remaining) == ("paused", None, 6)


def test_a_notice_on_the_eve_of_the_effective_day_takes_effect_with_it() -> None:
    acts = entries(("start", date(2026, 3, 9)), ("pause", date(2026, 3, 7)), ("resume", date(2026, 3, 11)))
    found = read(rule(5, "working_day"), acts, CALENDAR)
    assert found.due_on == date(2026, 3, 18)


def test_an_extension_moves_the_due_date_and_a_void_takes_it_back() -> None:
    start = Entry(1, "c", "start", date(2026, 3, 2), id=uuid4())
    longer = Entry(2, "c", "extend", date(2026, 3, 5), days=10, id=uuid4())
    void = Entry(3, "c", "void", date(2026, 3, 6), id=uuid4(), corrects=longer.id)
    unvoid = Entry(4, "c", "void", date(2026, 3, 7), id=uuid4(), corrects=void.id)
    dues = [
        read(rule(20, "day"), acts, CALENDAR).due_on
        for acts in ([start], [start, longer], [start, longer, void], [start, longer, void, unvoid])
    ]
    assert dues == [date(2026, 3, 23), date(2026, 4, 1), date(2026, 3, 23), date(2026, 4, 1)]


def test_half_a_day_counts_whole_and_closes_at_half_past_eleven() -> None:
    file = CalendarFile.model_validate(
        {
            "area": "x",
            "no": 1,
            "starts_on": "2026-01-01",
            "ends_on": "2026-12-31",
            "cutoff": "17:00:00",
            "half_cutoff": "11:30:00",
            "source": "t",
            "days": [{"day": "2026-03-04", "kind": "half", "vi": "n", "en": "h", "source": "t"}],
        }
    )
    half = Calendar(uuid4(), "x", 1, file.starts_on, file.ends_on, file.cutoff, file.half_cutoff, file.days)
    assert half.incoming(local(2026, 3, 4, 11, 29)) == date(2026, 3, 4)
    assert half.incoming(local(2026, 3, 4, 11, 30)) == date(2026, 3, 5)
    assert read(rule(2, "working_day"), entries(("start", date(2026, 3, 3))), half).due_on == date(2026, 3, 5)


def test_a_calendar_that_ends_refuses_instead_of_guessing() -> None:
    with pytest.raises(CalendarEnds):
        read(rule(10, "working_day"), entries(("start", date(2030, 12, 27))), CALENDAR)


def simulate(spec: ClockRule, acts: Sequence[Entry], calendar: Calendar) -> date | None:
    """Day after day: what is due today, what takes effect tonight."""
    ordered, latest = [], date.min
    for act in acts:
        latest = max(latest, act.effective_on)
        ordered.append((latest, act))
    day, state, count, length, reached = ordered[0][0] - timedelta(days=1), "idle", 0, spec.length, []
    for _ in range(900):
        day += timedelta(days=1)
        if state == "running" and (spec.unit == "day" or calendar.is_working(day)):
            count += 1
            reached.append(day)
        for when, act in ordered:
            if when == day:
                if act.kind in ("start", "restart"):
                    state, count, reached = "running", 0, []
                elif act.kind == "extend":
                    length += act.days or 0
                elif state != "stopped":
                    state = {"pause": "paused", "resume": "running", "stop": "stopped"}[act.kind]
        settled = day >= ordered[-1][0]
        if settled and count >= length:
            due = reached[length - 1]
            while spec.unit == "day" and not calendar.is_working(due):
                due += timedelta(days=1)
            return due
        if settled and state != "running":
            return None
    raise AssertionError("the simulation has no end")


@st.composite
def histories(draw: st.DrawFn) -> tuple[ClockRule, list[Entry]]:
    unit = draw(st.sampled_from(["working_day", "day"]))
    spec = rule(draw(st.integers(1, 30)), unit)
    day = date(2024, 1, 1) + timedelta(days=draw(st.integers(0, 1500)))
    acts, running = [("start", day)], True
    for _ in range(draw(st.integers(0, 8))):
        day += timedelta(days=draw(st.integers(-1, 15)))
        kind = draw(st.sampled_from(["pause", "extend"] if running else ["resume", "restart", "extend"]))
        running = kind != "pause" if kind != "extend" else running
        acts.append((kind, day, draw(st.integers(1, 10))) if kind == "extend" else (kind, day))  # type: ignore[arg-type]
    return spec, entries(*acts)


@given(histories())
@settings(max_examples=400, deadline=None)
def test_the_clock_equals_the_day_by_day_simulation(history: tuple[ClockRule, list[Entry]]) -> None:
    spec, acts = history
    found = read(spec, acts, CALENDAR)
    assert found.due_on == simulate(spec, acts, CALENDAR)


@given(histories())
@settings(max_examples=200, deadline=None)
def test_the_trace_has_every_day_once_and_counts_up_to_the_due_day(history: tuple[ClockRule, list[Entry]]) -> None:
    spec, acts = history
    found = read(spec, acts, CALENDAR)
    days = [day.day for day in found.days]
    assert days == [days[0] + timedelta(days=n) for n in range(len(days))]
    if found.due_on is not None and found.state == "running":
        assert found.due_on in days


def shipped(name: str) -> Procedure:
    return Procedure.model_validate(tomllib.loads((SHIPPED / "procedures" / f"{name}.toml").read_text()))


def test_what_each_act_does_to_the_clocks_of_a_permit() -> None:
    permit, review = shipped("mast.new.permit.1"), uuid4()
    assert react(permit, "received", {}) == [Step("completeness", "start")]
    held = {("completeness", None): "running"}
    assert react(permit, "supplement_requested", held) == [Step("completeness", "stop")]  # type: ignore[arg-type]
    held = {("completeness", None): "stopped"}
    assert react(permit, "supplemented", held) == [Step("recheck", "start")]  # type: ignore[arg-type]
    held |= {("recheck", None): "stopped"}
    assert react(permit, "supplemented", held) == [Step("recheck", "restart")]  # type: ignore[arg-type]
    held |= {("recheck", None): "running"}
    assert react(permit, "complete", held) == [Step("recheck", "stop"), Step("decision", "start")]  # type: ignore[arg-type]
    assert react(permit, "consulted", {}, review_ids=[review]) == [Step("consultation", "start", review)]


def test_what_each_act_does_to_the_clocks_of_a_notice() -> None:
    notice, review = shipped("mast.new.notice.1"), uuid4()
    held = {("completeness", None): "running", ("decision", None): "running"}
    paused = [Step("completeness", "pause"), Step("decision", "pause")]
    assert react(notice, "supplement_requested", held) == paused  # type: ignore[arg-type]
    back = [Step("completeness", "restart"), Step("decision", "resume")]
    assert react(notice, "supplemented", dict.fromkeys(held, "paused")) == back  # type: ignore[arg-type]
    assert react(notice, "complete", held) == [Step("completeness", "stop")]  # type: ignore[arg-type]
    held = {("decision", None): "running", ("consultation", review): "running"}
    assert react(notice, "answered", held, review_ids=[review]) == [Step("consultation", "stop", review)]  # type: ignore[arg-type]
    assert len(react(notice, "decided", held)) == 2  # type: ignore[arg-type]
