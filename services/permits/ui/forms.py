"""What people type, read into what the commands take; and what was wrong, back at its field."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request
from starlette.datastructures import FormData

from kernel.errors import N_, Fault, Refusal
from kernel.web import forms
from services.permits.domain.application import Condition
from services.permits.ui.words import Words

DAY_WRONG = N_("This is no day. Write it as 27/05/2024.")
DAYS_WRONG = N_("Give a whole number of days.")
CHOICE_MISSING = N_("Choose one of these.")
OUTCOME_MISSING = N_("Choose the outcome.")
MOST_CONDITIONS = 20
_CONDITION = re.compile(r"conditions-([0-9]{1,2})-text")
_DAYS = re.compile(r"[0-9]{1,4}")


def typed(form: FormData) -> dict[str, str]:
    """The text fields, as typed, the last of a name; without NUL, which no browser sends and no database keeps."""
    given = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    return {name: value.replace("\0", "") for name, value in given if not name.startswith("_")}


async def sent(request: Request) -> tuple[FormData, dict[str, str]]:
    form = await request.form()
    return form, typed(form)


def errors_of(refusal: Refusal, words: Words) -> dict[str, str]:
    """By field; a refusal that names none stands on top of the form."""
    found = forms.field_errors([_named(fault, words) for fault in refusal.errors], words._)
    return found or {"": refusal.say(words._)}


def _named(fault: Fault, words: Words) -> Fault:
    """People read the part's name where the API says its code, and what to choose where it says what is allowed."""
    if fault.pointer == "/outcome":
        return Fault(fault.pointer, fault.code, OUTCOME_MISSING)
    if "part" not in fault.params:
        return fault
    params = {**fault.params, "part": words.code("part", fault.params["part"])}
    return Fault(fault.pointer, fault.code, fault.detail, **params)


def in_page_order(errors: Mapping[str, str], order: Sequence[str]) -> dict[str, str]:
    """Errors as their fields follow on the page; what names no field of it stands last."""
    places = {name: place for place, name in enumerate(order)}
    return dict(sorted(errors.items(), key=lambda each: places.get(each[0], len(places))))


def day_count(text: str) -> int | None:
    """A whole number of days, at least one; None when it is none."""
    return (int(text) or None) if _DAYS.fullmatch(text.strip()) else None


def condition_count(values: Mapping[str, str]) -> int:
    """How many condition fields to show: as many as there were, one more after "add", at least one."""
    held = [int(found[1]) for name in values if (found := _CONDITION.fullmatch(name))]
    more = values.get("step") == "add"
    return min(max(held, default=0) + 1 + more, MOST_CONDITIONS)


def conditions(values: Mapping[str, str]) -> tuple[tuple[Condition, ...], list[Fault]]:
    """Filled rows only; a day that cannot be read is a fault at its own field."""
    found, faults = [], []
    for place in range(MOST_CONDITIONS):
        text = values.get(f"conditions-{place}-text", "").strip()
        day = values.get(f"conditions-{place}-due_on", "").strip()
        due_on = forms.read_day(day) if day else None
        if day and due_on is None:
            faults.append(Fault(f"/conditions/{place}/due_on", "day", DAY_WRONG))
        if text:
            found.append(Condition(text, due_on))
    return tuple(found), faults


def condition_values(listed: Any) -> dict[str, str]:
    """Structured conditions as field values."""
    values = {}
    for place, each in enumerate(listed or ()):
        values[f"conditions-{place}-text"] = each["text"]
        due_on = each["due_on"]
        values[f"conditions-{place}-due_on"] = f"{due_on[8:10]}/{due_on[5:7]}/{due_on[:4]}" if due_on else ""
    return values
