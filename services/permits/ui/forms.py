"""What people type, read into what the commands take; and what was wrong, back at its field."""

import re
from collections.abc import Iterable, Mapping, Sequence

from fastapi import Request
from starlette.datastructures import FormData

from kernel.errors import N_, Fault, Refusal
from kernel.web import forms
from services.permits.domain.application import Condition
from services.permits.ui.words import Words

DAY_WRONG = N_("This is no day. Write it as 27/05/2024.")
MISSING = N_("Fill in this field.")
CODE_WRONG = N_("Use small letters, digits and _, beginning with a letter.")
DAYS_WRONG = N_("Give a whole number of days.")
CHOICE_MISSING = N_("Choose one of these.")
OUTCOME_MISSING = N_("Choose the outcome.")
MOST_CONDITIONS = 20
_CONDITION = re.compile(r"conditions-([0-9]{1,2})-text")
_NUMBER = re.compile(r"-?[0-9]+([.,][0-9]+)?")
_CODE = re.compile(r"[a-z][a-z0-9_]{1,59}")
CONDITION_FIELDS = ("text", "due_on", "kind", "subject", "value", "evidence", "verifier", "of")
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


def is_code(text: str) -> bool:
    return _CODE.fullmatch(text) is not None


def is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def condition_count(values: Mapping[str, str]) -> int:
    """How many condition fields to show: as many as there were, one more after "add", at least one."""
    held = [int(found[1]) for name in values if (found := _CONDITION.fullmatch(name))]
    more = values.get("step") == "add"
    return min(max(held, default=0) + 1 + more, MOST_CONDITIONS)


def conditions(values: Mapping[str, str]) -> tuple[tuple[Condition, ...], list[Fault]]:
    """Filled rows only; a day that cannot be read is a fault at its own field."""
    found: list[Condition] = []
    faults: list[Fault] = []
    for place in range(MOST_CONDITIONS):
        said = {name: values.get(f"conditions-{place}-{name}", "").strip() for name in CONDITION_FIELDS}
        due_on = forms.read_day(said["due_on"]) if said["due_on"] else None
        if said["due_on"] and due_on is None:
            faults.append(Fault(f"/conditions/{place}/due_on", "day", DAY_WRONG))
        if not said["text"]:
            continue
        # A subject with a choice of values carries the value chosen.
        subject, _, chosen = said["subject"].partition("=")
        found.append(
            Condition(
                said["text"],
                due_on,
                said["kind"],
                subject,
                (chosen or said["value"]) if subject else "",
                said["evidence"],
                said["verifier"],
                tuple(each for each in said["of"].split(",") if each),
            )
        )
    return tuple(found), faults


def condition_values(listed: Sequence[Condition]) -> dict[str, str]:
    """Structured conditions as field values."""
    values: dict[str, str] = {}
    for place, each in enumerate(listed):
        at = f"conditions-{place}"
        values |= {f"{at}-text": each.text, f"{at}-due_on": f"{each.due_on:%d/%m/%Y}" if each.due_on else ""}
        numeric = is_number(each.value)
        values[f"{at}-subject"] = each.subject if numeric or not each.subject else f"{each.subject}={each.value}"
        values[f"{at}-value"] = each.value if numeric else ""
        values |= {f"{at}-{name}": getattr(each, name) for name in ("kind", "evidence", "verifier")}
        values[f"{at}-of"] = ",".join(each.of)
    return values


def condition_choices(words: Words, verifiers: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """What the fields of a condition offer: kinds, subjects with their values, verifiers."""
    subjects = []
    for code, said in words.lexicon.lists["condition_subject"].items():
        name = words.code("condition_subject", code)
        if said.get("choices"):
            subjects += [(f"{code}={each}", f"{name}: {said['labels'][each][words.lang]}") for each in said["choices"]]
        else:
            subjects.append((code, f"{name} ({said['unit']})"))
    kinds = [(code, words.code("condition_kind", code)) for code in words.lexicon.lists["condition_kind"]]
    asked = [(code, words.code("function", code)) for code in verifiers]
    return {"kinds": kinds, "subjects": subjects, "verifiers": asked}
