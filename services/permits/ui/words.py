"""What pages say: codes in the reader's language, the days-left chip, the marks of reviews."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from fastapi import Request

from kernel.errors import N_
from kernel.web import formats
from kernel.web.i18n import locale_of
from kernel.web.render import frame_of
from services.permits.domain.calendar import Calendar
from services.permits.domain.notices import CLOCKS as CLOCKS
from services.permits.queries import Lexicon

STEPS = {
    "received": N_("Completeness check"),
    "incomplete": N_("Waiting for the supplement"),
    "supplemented": N_("Check of the supplement"),
    "under_review": N_("Consultation"),
    "ready": N_("Waiting for the decision"),
    "decided": N_("Decided"),
    "closed": N_("Works completed"),
    "withdrawn": N_("Withdrawn"),
}
OUTCOMES = {
    "agree": N_("Agrees"),
    "conditions": N_("Agrees with conditions"),
    "disagree": N_("Objects"),
    "not_involved": N_("Not involved"),
    "silent": N_("Silent, deemed agreed"),
    "granted": N_("Grant the permit"),
    "refused": N_("Refuse the permit"),
    "no_objection": N_("No objection"),
    "objection": N_("Objection"),
    "noted": N_("Take note"),
}
SHORT_OUTCOMES = {"conditions": N_("With conditions"), "silent": N_("Silent")}
DECIDED = {
    "granted": N_("Permit granted"),
    "refused": N_("Permit refused"),
    "no_objection": N_("No objection"),
    "objection": N_("Objection"),
    "noted": N_("Noted"),
}
STAGES = {"draft": N_("Being drafted"), "check": N_("Being checked"), "sign": N_("Waiting for the signature")}
STEPPED = {
    "draft": N_("Drafted"),
    "submit": N_("Handed in"),
    "pass": N_("Checked, passed on"),
    "return": N_("Handed back"),
    "sign": N_("Signed"),
}
WAYS = {
    "one_person": N_("One person may sign alone"),
    "two_persons": N_("Drafted and signed by two people"),
    "three_persons": N_("Drafted, checked and signed by three people"),
}
MAIL_WHEN = {"at_once": N_("At once"), "digest": N_("Once a day, in the morning"), "off": N_("Never")}
PHRASES = {"condition": N_("Condition"), "ground": N_("Ground")}
FINDINGS = {
    "same": (N_("The same"), ""),
    "stricter": (N_("The other is stricter"), "info"),
    "contrary": (N_("Contradiction"), "bad"),
}
CONDITION_STATES = {
    "open": (N_("Open"), ""),
    "submitted": (N_("Evidence sent"), "info"),
    "met": (N_("Met"), "ok"),
    "rejected": (N_("Evidence rejected"), "bad"),
    "waived": (N_("Waived"), ""),
}
NOTICES = {"commencement": N_("Commencement"), "completion": N_("Completion")}
TONES = {
    "received": "info",
    "incomplete": "pause",
    "supplemented": "info",
    "under_review": "info",
    "ready": "warn",
    "decided": "ok",
    "closed": "ok",
    "withdrawn": "",
}
MARKS = {
    "agree": "agree",
    "conditions": "cond",
    "disagree": "disagree",
    "not_involved": "none",
    "silent": "silent",
}
ENTERPRISES = ("operator", "tower_company", "power_company")
SOON = 2


@dataclass(frozen=True)
class Chip:
    state: str
    text: str
    title: str = ""


class Words:
    """`_` and `ngettext` translate, the rest looks codes up; made once per request."""

    def __init__(self, request: Request, lexicon: Lexicon) -> None:
        self.lang = locale_of(request)
        self._words = frame_of(request).translations(self.lang)
        self.lexicon = lexicon

    def _(self, message: str, **params: Any) -> str:
        said = str(self._words.gettext(message))
        return said.format(**params) if params else said

    def ngettext(self, one: str, many: str, number: int) -> str:
        return str(self._words.ngettext(one, many, number)).format(n=number)

    def code(self, listed: str, code: str) -> str:
        entry = self.lexicon.lists.get(listed, {}).get(code)
        return str(entry[self.lang]) if entry else code

    def short(self, function: str) -> str:
        entry = self.lexicon.lists["function"].get(function)
        return str(entry["short"]) if entry else function

    def org(self, code: str) -> str:
        """As tables show it."""
        known = self.lexicon.organisations.get(code)
        return known["short"] if known else code

    def org_in_full(self, code: str) -> str:
        known = self.lexicon.organisations.get(code)
        return known[self.lang] if known else code

    def org_of_person(self, code: str) -> str:
        """Under a person's name: enterprises by their short name, departments in full."""
        known = self.lexicon.organisations.get(code)
        return self.org(code) if known and known["kind"] in ENTERPRISES else self.org_in_full(code)

    def step(self, state: str) -> str:
        return self._(STEPS[state])

    def outcome(self, outcome: str) -> str:
        return self._(OUTCOMES.get(outcome, outcome))

    def outcome_in_short(self, outcome: str) -> str:
        """Where a name stands beside it."""
        return self._(SHORT_OUTCOMES.get(outcome, OUTCOMES.get(outcome, outcome)))

    def day(self, day: date | str | None) -> str:
        return formats.day(_as_day(day), self.lang)

    def short_day(self, day: date | str | None) -> str:
        return formats.short_day(_as_day(day), self.lang)

    def metres(self, value: str | None) -> str:
        if value is None:
            return "–"
        text = f"{float(value):.1f}"
        return f"{text.replace('.', ',') if self.lang == 'vi' else text}\u00a0m"

    def work(self, site: Mapping[str, Any]) -> str:
        """`Cột trên mái 12 m`."""
        kind = self._("Roof mast") if site["facts"].get("foundation") == "roof" else self._("Mast on the ground")
        height = f"{float(site['height_m']):.1f}".removesuffix(".0") if site["height_m"] else ""
        if self.lang == "vi":
            height = height.replace(".", ",")
        return f"{kind} {height}\u00a0m" if height else kind

    def fixed(self, subject: str | None, value: str | None) -> str:
        """`Khoảng lùi tối thiểu tới đường: 20 m`; empty where a condition fixes nothing comparable."""
        said = self.lexicon.lists["condition_subject"].get(subject or "")
        if said is None or value is None:
            return ""
        labels = said.get("labels", {})
        label = labels[value][self.lang] if value in labels else f"{value} {said.get('unit', '')}".strip()
        return f"{self.code('condition_subject', subject or '')}: {label}"

    def chip(self, deadline: Mapping[str, Any] | None, today: date, calendar: Calendar) -> Chip:
        """Days left in working days, the same everywhere."""
        if deadline is None:
            return Chip("done", self._("Done"))
        if deadline["state"] == "paused":
            left = deadline["remaining"] or 0
            return Chip("pause", self.ngettext("Paused, {n} day left", "Paused, {n} days left", left))
        due_on = _date(deadline["due_on"])
        title = self._("Until the end of {day}", day=self.day(due_on))
        left = calendar.working_days_between(today, due_on)
        if due_on < today:
            late = max(calendar.working_days_between(due_on, today), 1)
            return Chip("over", self.ngettext("{n} day overdue", "{n} days overdue", late), title)
        if due_on == today:
            return Chip("today", self._("Today"), title)
        text = self.ngettext("{n} day left", "{n} days left", left)
        return Chip("soon" if left <= SOON else "ok", text, title)

    def mark(self, review: Mapping[str, Any], today: date) -> tuple[str, str]:
        """(kind of mark, what it says to a reader of the whole name)."""
        who = self.code("function", review["function"])
        if review["outcome"]:
            kind = MARKS[review["outcome"]]
            return kind, f"{who}: {self.outcome(review['outcome'])}"
        if review["stage"] in STAGES:
            return "draft", f"{who}: {self._(STAGES[review['stage']])}"
        if review["due_on"] and _date(review["due_on"]) < today:
            return "late", f"{who}: {self._('Overdue')}"
        return "wait", f"{who}: {self._('Not answered yet')}"


def _as_day(value: date | str | None) -> date | None:
    """The local day of a date or of an instant, as JSON carries them."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value) if len(value) > len("2026-11-25") else date.fromisoformat(value)
    return None if value is None else formats.local_day(value)


def _date(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value
