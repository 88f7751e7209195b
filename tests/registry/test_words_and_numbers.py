import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.texts import fold
from services.registry.domain.number import check_digit, is_public_number, public_number
from services.registry.domain.words import searched, sort_key, variants

pytestmark = pytest.mark.unit
digits = st.integers(min_value=0, max_value=999_999)


def test_the_number_of_the_house_rules_is_ours():
    assert public_number("mast", 4217) == "CM-M-004217-3"


@given(st.sampled_from(["mast", "pole", "duct"]), st.integers(min_value=0, max_value=99_999_999))
def test_every_number_given_out_is_a_number(kind, number):
    assert is_public_number(public_number(kind, number))


@given(digits, st.integers(0, 5), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(number, place, off):
    right = f"{number:06d}"
    wrong = f"{right[:place]}{(int(right[place]) + off) % 10}{right[place + 1 :]}"
    assert check_digit(right) != check_digit(wrong)


def test_swapped_neighbours_are_found_nearly_always():
    """Numbers with two missed swaps exist (564500), so it is the share over many that says what the digit is worth."""
    swaps = missed = 0
    for number in range(0, 1_000_000, 397):
        right = f"{number:06d}"
        for i in range(5):
            swap = f"{right[:i]}{right[i + 1]}{right[i]}{right[i + 2 :]}"
            swaps += swap != right
            missed += swap != right and check_digit(swap) == check_digit(right)
    assert missed / swaps < 0.03


def test_a_number_with_another_letter_is_none():
    assert not is_public_number("CM-X-004217-3")
    assert not is_public_number("CM-M-004217-4")


def test_words_are_found_without_their_marks():
    assert fold("Thị trấn Sông Đốc, CM-M-004217-3") == "thi tran song doc cm m 004217 3"
    assert searched("cột ăng-ten") == ["cot", "ang", "ten"]
    assert searched("!!") == []
    assert variants("abb") == ["abb", "bb", "ab"]


def test_order_is_the_vietnamese_alphabet():
    names = ["Đất Mũi", "Dân", "An", "Ân", "Ăn", "Đa", "Ô", "Ơ", "Ong", "Vĩnh", "Uy", "Ưng", "Ấn", "Cột 10", "Cột 9"]
    assert sorted(names, key=sort_key) == [
        "An", "Ăn", "Ân", "Ấn", "Cột 9", "Cột 10", "Dân", "Đa", "Đất Mũi", "Ong", "Ô", "Ơ", "Uy", "Ưng", "Vĩnh",
    ]  # fmt: skip


@given(st.text(max_size=40))
def test_any_text_has_a_key_and_a_fold_that_postgresql_can_store(text):
    assert "\x00" not in sort_key(text) + fold(text) + "".join(searched(text))
