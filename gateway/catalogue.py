"""Every problem code that an answer of this origin can carry: the services' lists and the gateway's own refusals."""

import inspect
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gateway import errors
from kernel.errors import InternalError, MalformedRequest, NoSuchPage, Refusal, WrongMethod
from kernel.web.i18n import LOCALES, translations

_LOCALE = Path(__file__).with_name("locale")
_FROM_THE_KERNEL = (InternalError, MalformedRequest, NoSuchPage, WrongMethod)

Problem = dict[str, Any]


def problems(documents: Mapping[str, Mapping[str, Any]]) -> list[Problem]:
    """`{code, status, meanings: [{services, detail: {en, vi}}]}` by code; one code may mean more in one service."""
    found: dict[str, Problem] = {}
    for service, document in documents.items():
        _add(found, service, document.get("x-problems", ()))
    _add(found, "gateway", own())
    return [found[code] for code in sorted(found)]


def own() -> list[Problem]:
    """What the gateway itself refuses or reports, in each language."""
    kinds = {kind for _, kind in inspect.getmembers(errors, _is_refusal)} | set(_FROM_THE_KERNEL)
    words = {locale: translations([_LOCALE], locale).gettext for locale in LOCALES}
    return [
        {
            "code": kind.__name__,
            "status": kind.status,
            "detail": {locale: said(kind.detail) for locale, said in words.items()},
        }
        for kind in sorted(kinds, key=lambda each: each.__name__)
    ]


def _is_refusal(thing: object) -> bool:
    return inspect.isclass(thing) and issubclass(thing, Refusal) and thing.__name__ in errors.__all__


def _add(found: dict[str, Problem], service: str, listed: Iterable[Problem]) -> None:
    for problem in listed:
        entry = found.setdefault(
            problem["code"], {"code": problem["code"], "status": problem["status"], "meanings": []}
        )
        same = next((one for one in entry["meanings"] if one["detail"] == problem["detail"]), None)
        if same is None:
            entry["meanings"].append({"services": [service], "detail": problem["detail"]})
        elif service not in same["services"]:
            same["services"].append(service)
