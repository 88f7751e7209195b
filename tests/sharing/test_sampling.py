"""The rules of an audit's sample: allocation, draw, estimate and bound."""

import random
from collections.abc import Mapping
from itertools import pairwise
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sharing import data
from services.sharing.domain import sampling
from services.sharing.domain.sampling import Facts, Sampling, Tally

pytestmark = pytest.mark.unit
RULES = data.sampling()
PLAIN = Facts(4, 3, False, 1, 1, False, False)
SIZES = st.dictionaries(st.sampled_from(["low", "medium", "high"]), st.integers(1, 400), min_size=1)
WEIGHTS = {each.code: each.weight for each in RULES.classes}


@pytest.mark.parametrize(
    ("facts", "signs", "code"),
    [
        (PLAIN, [], "low"),
        (PLAIN._replace(evidence=1), ["weak_evidence"], "low"),
        (PLAIN._replace(evidence=1, capacity=None), ["weak_evidence", "capacity_unknown"], "medium"),
        (PLAIN._replace(contradicted=True), ["contradiction"], "medium"),
        (PLAIN._replace(contradicted=True, evidence=1), ["contradiction", "weak_evidence"], "high"),
        (PLAIN._replace(shared=True, users=2), ["paper_only"], "medium"),
        (PLAIN._replace(shared=True, users=2, seen_users=2), [], "low"),
        (PLAIN._replace(of_tower_company=True), ["tower_single"], "medium"),
        (PLAIN._replace(shared=True, users=4, seen_users=4), ["over_capacity"], "medium"),
    ],
)
def test_what_speaks_for_looking_puts_a_structure_into_its_class(facts: Facts, signs: list[str], code: str) -> None:
    found = sampling.signs(facts, RULES)
    assert (found, sampling.class_of(found, RULES)) == (signs, code)


def test_classes_must_begin_at_nothing_and_rise() -> None:
    with pytest.raises(ValueError, match="rise"):
        Sampling.model_validate({**RULES.model_dump(), "classes": [RULES.classes[1].model_dump()]})


@given(SIZES, st.integers(1, 1500))
def test_the_allocation_gives_what_was_asked_and_nowhere_more_than_there_is(sizes: dict[str, int], size: int) -> None:
    given_ = sampling.allocate(sizes, WEIGHTS, size, RULES.least)
    assert sum(given_.values()) == min(size, sum(sizes.values()))
    assert all(0 <= given_[code] <= sizes[code] for code in sizes)
    if size >= RULES.least * len(sizes):
        assert all(given_[code] >= min(RULES.least, sizes[code]) for code in sizes)


@given(SIZES, st.integers(6, 300))
def test_a_riskier_class_is_never_drawn_less_densely(sizes: dict[str, int], size: int) -> None:
    given_ = sampling.allocate(sizes, WEIGHTS, size, RULES.least)
    ranked = sorted(sizes, key=lambda code: WEIGHTS[code])
    for less, more in pairwise(ranked):
        # One more or less from rounding, and the least that every class gets.
        assert given_[more] + RULES.least + 1 >= sizes[more] * (given_[less] - RULES.least - 1) / sizes[less]


@given(st.sets(st.uuids().map(str), min_size=1, max_size=40), st.text(max_size=20), st.integers(0, 50))
def test_the_draw_is_the_same_for_everybody_and_a_larger_one_holds_the_smaller(
    ids: set[str], seed: str, count: int
) -> None:
    drawn = sampling.draw(seed, ids, count)
    assert drawn == sampling.draw(seed, sorted(ids, reverse=True), count)
    assert len(drawn) == min(count, len(ids))
    assert sampling.draw(seed, ids, count + 1)[:count] == drawn
    rest = ids - set(drawn)
    assert all(sampling.mark(seed, a) <= sampling.mark(seed, b) for a in drawn for b in rest)


def test_the_mark_is_what_any_shell_computes() -> None:
    # printf '%s' '2026-11-20:0199f2a0-7c1e-7d7a-9a51-3f1f5a2f6c21' | sha256sum
    told = "4da50593e8424f7ddab87a8d51b67e820a3e46e47244a605db14036c67a241b0"
    assert sampling.mark("2026-11-20:", "0199f2a0-7c1e-7d7a-9a51-3f1f5a2f6c21") == told


VERDICTS = st.sampled_from([(False, False), (True, False), (True, True)])
ONE = st.tuples(VERDICTS, VERDICTS)


def tally(size: int, seen: list[tuple[tuple[bool, bool], tuple[bool, bool]]]) -> Tally:
    pairs = [(int(f[1]) - int(r[1]), int(f[0]) - int(r[0])) for r, f in seen]
    y, x = sum(p[0] for p in pairs), sum(p[1] for p in pairs)
    squares = (sum(p[0] ** 2 for p in pairs), sum(p[1] ** 2 for p in pairs), sum(p[0] * p[1] for p in pairs))
    return Tally(size, len(seen), y, x, *squares)


@given(st.dictionaries(st.sampled_from(["low", "high"]), st.lists(ONE, min_size=1, max_size=30), min_size=1))
def test_what_was_seen_whole_is_known_exactly(strata: Mapping[str, list[tuple[tuple[bool, bool], ...]]]) -> None:
    everything = [pair for seen in strata.values() for pair in seen]
    shared, counted = sum(r[1] for r, _ in everything), sum(r[0] for r, _ in everything)
    found = sampling.estimate([tally(len(seen), seen) for seen in strata.values()], shared, counted)  # type: ignore[arg-type]
    true = (sum(f[1] for _, f in everything), sum(f[0] for _, f in everything))
    if true[1] == 0:
        assert found is None
    else:
        assert found is not None
        assert found.bound == 0
        assert found.ratio == pytest.approx(true[0] / true[1])


@given(st.integers(2, 300), st.integers(1, 300), st.integers(0, 5))
def test_where_nothing_differs_the_rule_of_three_bounds_it(size: int, seen: int, more: int) -> None:
    seen = min(seen, size)
    found = sampling.estimate([Tally(size, seen)], size // 2, size)
    assert found is not None
    assert found.ratio == (size // 2) / size
    assert found.bound == pytest.approx(min((size - seen) * min(3 / seen, 1) / size, 1))
    larger = sampling.estimate([Tally(size, min(seen + more, size))], size // 2, size)
    assert larger is not None
    assert larger.bound <= found.bound
    assert sampling.best_bound({"low": size}, {"low": seen}, size) == pytest.approx(found.bound)


def test_over_several_classes_what_hides_most_is_bounded_once() -> None:
    # 3 divided over the classes hides at most 10 of 100 unseen per 30 seen, and 4.5 of 30 per 20.
    two = [sampling.Alike(100, 30, 1), sampling.Alike(30, 20, 1)]
    assert sampling.unnoticed(two) == pytest.approx(10)
    assert sampling.unnoticed([sampling.Alike(5, 1, 1), *two]) == pytest.approx(5 + 100 * 2 / 30)
    assert sampling.unnoticed([sampling.Alike(5, 0, 1)]) == 5
    assert sampling.unnoticed([]) == 0


def test_the_variance_is_that_of_the_textbook() -> None:
    # 100 structures, 10 of 25 found not shared: mean -0.4, s2 = 25 * 0.4 * 0.6 / 24 = 0.25.
    found = sampling.estimate([Tally(100, 25, y=-10, yy=10)], 60, 100)
    assert found is not None
    assert found.ratio == pytest.approx(0.2)
    assert found.bound == pytest.approx(1.96 * sqrt(100**2 * 0.75 * 0.25 / 25) / 100)
    alike = sampling.estimate([Tally(100, 25, y=-25, yy=25)], 100, 100)
    assert alike is not None
    assert alike.bound == pytest.approx(75 * 2 * 3 / 25 / 100)


def test_the_bound_holds_in_nineteen_of_twenty_samples() -> None:
    dice = random.Random(7)
    held = 0
    for _ in range(300):
        strata = {"low": (300, 30, 0.03), "medium": (80, 20, 0.15), "high": (40, 20, 0.4)}
        recorded, true, tallies = 0, 0, []
        for size, count, wrong in strata.values():
            all_ = []
            for _one in range(size):
                said = dice.random() < 0.3
                is_ = (not said) if dice.random() < wrong else said
                all_.append(((True, said), (True, is_)))
            recorded += sum(r[1] for r, _ in all_)
            true += sum(f[1] for _, f in all_)
            tallies.append(tally(size, dice.sample(all_, count)))
        found = sampling.estimate(tallies, recorded, 420)
        assert found is not None
        held += abs(found.ratio - true / 420) <= found.bound
    assert held >= 285
