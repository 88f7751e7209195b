"""Language choice, dates and numbers as people read them, form tokens, sealed notices."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import Fault
from kernel.web import formats, forms, i18n

pytestmark = pytest.mark.unit
EVENING = datetime(2024, 5, 16, 17, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "vi"),
        ("*", "vi"),
        ("en", "en"),
        ("en-US,en;q=0.9", "en"),
        ("fr,vi;q=0.8,en;q=0.7", "vi"),
        ("vi;q=0.2, en;q=0.9", "en"),
        ("en;q=0", "vi"),
        ("en;q=x", "vi"),
    ],
)
def test_accept_language_chooses_the_supported_language_of_highest_weight(header: str, language: str) -> None:
    assert i18n.preferred(header) == language


def test_plural_of_vietnamese_is_one_form() -> None:
    words = i18n.translations((), "vi")
    assert words.ngettext("%(num)d thing to correct", "%(num)d things to correct", 2) == "Có %(num)d chỗ cần sửa"
    english = i18n.translations((), "en")
    assert english.ngettext("%(num)d thing to correct", "%(num)d things to correct", 1) == "%(num)d thing to correct"


def test_dates_are_shown_in_the_zone_of_the_province() -> None:
    assert formats.day(EVENING, "vi") == "17/05/2024"
    assert formats.moment(EVENING, "vi") == "17/05/2024, 00:30"
    assert formats.long_day(date(2024, 5, 16), "vi") == "Thứ Năm, 16/05/2024"
    assert formats.weekday(date(2024, 5, 19), "vi", short=True) == "CN"
    assert formats.day(date(2024, 5, 6), "en") == "6 May 2024"
    assert formats.short_day(date(2024, 5, 6), "vi") == "06/05"


def test_an_open_end_reads_now() -> None:
    assert formats.until(None, "vi") == "nay"
    assert formats.until(date.max, "vi") == "nay"
    assert formats.until(datetime.max.replace(tzinfo=UTC), "en") == "now"
    assert formats.until(date(2025, 12, 31), "vi") == "31/12/2025"


def test_numbers_have_the_marks_of_the_language() -> None:
    assert formats.number(1320, "vi") == "1.320"
    assert formats.number(1320.5, "en", 1) == "1,320.5"
    assert formats.percent(Decimal("11.74"), "vi") == "11,74%"
    assert formats.percent(Decimal("11.74"), "en") == "11.74\u00a0%"
    assert formats.metres(45, "vi") == "45,0\u00a0m"
    assert formats.coordinates(9.17342, 104.81507, "vi") == "9,17342°\u00a0B, 104,81507°\u00a0Đ"
    assert formats.number(-3, "vi") == "\u22123"
    assert formats.size(1_400_000, "vi") == "1,4\u00a0MB"
    assert formats.percent(None, "vi") == "–"


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("Xã Khánh Hải, Huyện Trần Văn Thời", "xã Khánh Hải, huyện Trần Văn Thời"),
        ("Phường 5, Thành phố Cà Mau", "phường 5, thành phố Cà Mau"),
        ("Đất Mũi", "Đất Mũi"),
    ],
)
def test_a_unit_inside_a_sentence_begins_small(name: str, inside: str) -> None:
    assert formats.unit_in_text(name) == inside


@pytest.mark.parametrize(("num", "den", "percent"), [(155, 1320, "11.74"), (155, 1321, "11.73"), (156, 1321, "11.81")])
def test_share_is_rounded_half_up(num: int, den: int, percent: str) -> None:
    assert formats.share(num, den) == Decimal(percent)


def test_share_of_nothing_is_no_figure() -> None:
    assert formats.share(0, 0) is None


@given(st.dates())
def test_a_day_that_was_shown_is_read_back(day: date) -> None:
    assert forms.read_day(formats.day(day, "vi")) == day
    assert forms.read_day(day.isoformat()) == day


@pytest.mark.parametrize("text", ["", "31/02/2024", "2024", "1/1/24", "16/05/2024x", "0/0/0000"])
def test_what_is_no_day_is_not_guessed(text: str) -> None:
    assert forms.read_day(text) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [("45,5", "45.5"), ("45.5", "45.5"), ("1.320,5", "1320.5"), (" 45 ", "45"), ("-1", "-1"), ("4a", None), ("", None)],
)
def test_numbers_are_read_as_people_type_them(text: str, number: str | None) -> None:
    assert forms.read_number(text) == (None if number is None else Decimal(number))


DAY = date(2024, 5, 16)


def test_a_form_token_holds_for_its_session_today_and_over_midnight() -> None:
    token = forms.form_token("key", "s1", DAY)
    assert forms.check_form("key", "s1", DAY, token)
    assert forms.check_form("key", "s1", date(2024, 5, 17), token)
    assert not forms.check_form("key", "s1", date(2024, 5, 18), token)
    assert not forms.check_form("key", "s2", DAY, token)
    assert not forms.check_form("other", "s1", DAY, token)


@pytest.mark.parametrize("token", [None, "", "0" * 64, "đ"])
def test_a_form_without_its_token_is_refused(token: str | None) -> None:
    assert not forms.check_form("key", "s1", DAY, token)


@given(st.text(), st.one_of(st.none(), st.text()))
def test_a_notice_opens_only_in_its_session(text: str, undo: str | None) -> None:
    sealed = forms.seal_notice("key", "s1", text, undo)
    assert forms.open_notice("key", "s1", sealed) == (text, undo)
    assert forms.open_notice("key", "s2", sealed) is None
    assert forms.open_notice("key", "s1", "x" + sealed) is None


def test_errors_go_to_their_fields_first_one_only() -> None:
    faults = [
        Fault("/conditions/0/due_on", "TooEarly", "After {day}.", day="16/05"),
        Fault("/conditions/0/due_on", "B", "b"),
    ]
    assert forms.field_errors(faults, lambda text: text) == {"conditions-0-due_on": "After 16/05."}
