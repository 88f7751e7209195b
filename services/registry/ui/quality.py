"""How good the records are, by owner and rule; each figure leads to its work list."""

from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse

from kernel.clock import local_date
from kernel.edge import CurrentActor, Now, Read, ui_router
from kernel.web.i18n import locale_of
from kernel.web.render import gettext_of, render
from services.registry import data
from services.registry.queries import places
from services.registry.queries.quality import quality
from services.registry.ui import words
from services.registry.ui.asking import AskedTimes
from services.registry.ui.gate import needs

router = ui_router("/registry")


@router.get("/quality", dependencies=[needs("registry:quality:read")])
async def board(
    request: Request, actor: CurrentActor, read: Read, now: Now, asked: AskedTimes, kind: str = "mast"
) -> HTMLResponse:
    kind = kind if kind in words.PLURAL else "mast"
    lang = locale_of(request)
    rules = data.quality().of(kind)
    owners = await quality(read, actor, kind, asked.at)
    request.state.org_name = await places.organisation_name(read, actor.org, local_date(now), lang)
    dates = asked.query()

    def href(**more: str) -> str:
        return f"/registry/{words.PLURAL[kind]}?{urlencode({**more, 'view': 'table', **dates})}"

    rows: list[dict[str, Any]] = [
        {
            "owner": one.owner_name,
            "href": href(owner=one.owner),
            "structures": one.structures,
            "score": one.score,
            "cells": [{"n": one.faults[rule.code], "href": href(owner=one.owner, fault=rule.code)} for rule in rules],
        }
        for one in owners
    ]
    context = {
        "kind": kind,
        "kinds": [(name, gettext_of(request, text)) for name, text in words.COLLECTION.items()],
        "asked": asked,
        "rows": rows,
        "rules": [
            {
                "title": getattr(rule.title, lang),
                "weight": rule.weight,
                "n": sum(one.faults[rule.code] for one in owners),
                "href": href(fault=rule.code),
            }
            for rule in rules
        ],
    }
    return render(request, "registry/quality.html", context)
