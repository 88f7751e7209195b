"""The main job through the running product, by API alone, with the ratio at each step: `make demo-ratio`.

An operator files, three departments review side by side, the lead decides, the mast appears as permitted, the owner's
notices bring it into service, a second operator's agreement makes it shared.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from infra.local.papers import paper
from infra.local.visitor import JSON, Visitor, wait_for

REVIEWERS = {"construction": "sxd.lan", "transport": "sgtvt.minh", "natural_resources": "stnmt.hoa"}
LEAD, REGISTRAR, AUDITOR = "sxd.hung", "sxd.lan", "skhcn.mai"
PARTS = {"land_paper": "Xac nhan vi tri dat", "drawings": "Ban ve mat dung va mong", "sharing_statement": "Giai trinh"}


@dataclass
class People:
    """Everybody the main job needs, signed in at one gateway."""

    operator: Visitor
    second: Visitor
    lead: Visitor
    registrar: Visitor
    auditor: Visitor
    reviewers: dict[str, Visitor]


def everybody(gateway: str, issuer: str) -> People:
    signed = {name: Visitor.person(gateway, name) for name in {*REVIEWERS.values(), LEAD, REGISTRAR, AUDITOR}}
    return People(
        operator=Visitor.client(gateway, issuer, "viettel-api"),
        second=Visitor.client(gateway, issuer, "vnpt-api"),
        lead=signed[LEAD],
        registrar=signed[REGISTRAR],
        auditor=signed[AUDITOR],
        reviewers={function: signed[name] for function, name in REVIEWERS.items()},
    )


def figure(auditor: Visitor) -> str:
    ratio = auditor.get("/api/sharing/v1/ratios", kind="mast")
    return f"{ratio['shared']}/{ratio['counted']} = {ratio['percent']} %"


def site(**changes: Any) -> JSON:
    """A ground mast of 42 m in a commune of today, near the town of Cà Mau."""
    return {
        "kind": "mast",
        "name": "Cột dự kiến",
        "code": ["ND163", "A1"],
        "height_m": "42.0",
        "lon": 105.1502,
        "lat": 9.1768,
        "commune": "32002@2025-07",
        "capacity": 3,
        "facts": {"foundation": "ground"},
        **changes,
    }


def file_dossier(operator: Visitor, more_parts: Mapping[str, str] = MappingProxyType({}), **changes: Any) -> JSON:
    wanted = {**PARTS, **more_parts}
    stored = {code: operator.send_file(f"{code}.pdf", paper(title)) for code, title in wanted.items()}
    parts = [{"code": code, "file": file["id"]} for code, file in stored.items()]
    return operator.post("/api/permits/v1/applications", {"sites": [site(**changes)], "parts": parts})


def review_and_decide(people: People, application: str) -> JSON:
    path = f"/api/permits/v1/applications/{application}"
    people.registrar.post(f"{path}/completeness", {"outcome": "complete", "items": []})
    for function, reviewer in people.reviewers.items():
        opinion = {
            "function": function,
            "outcome": "agree",
            "grounds": "Phù hợp quy hoạch và quy chuẩn",
            "conditions": [],
        }
        reviewer.post(f"{path}/opinions", opinion)
    dossier = people.lead.get(path)
    outcome = "no_objection" if dossier["procedure"].startswith("mast.new.notice") else "granted"
    return people.lead.post(f"{path}/decision", {"outcome": outcome, "grounds": "Đủ điều kiện", "conditions": []})


def mast_with(people: People, structure: str, status: str) -> JSON:
    """The registry's record, once the event has brought it to `status`."""

    def found() -> JSON | None:
        mast = people.operator.get(f"/api/registry/v1/masts/{structure}")
        return mast if mast["status"] == status else None

    mast: JSON = wait_for(found, f"mast {structure} to be {status}")
    return mast


def main() -> None:
    gateway = os.environ.get("PUBLIC_URL", f"http://127.0.0.1:{os.environ.get('PORT', '8080')}")
    issuer = os.environ.get("ISSUER", f"http://127.0.0.1:{os.environ.get('IDENTITY_PORT', '8081')}/realms/hatang")
    people = everybody(gateway, issuer)
    before = people.auditor.get("/api/sharing/v1/ratios", kind="mast")
    print(f"1. before                 {figure(people.auditor)}")
    dossier = file_dossier(people.operator)
    structure = dossier["sites"][0]["structure_id"]
    print(f"2. filed                  {dossier['number']}, due {dossier['due_on']}")
    decision = review_and_decide(people, dossier["id"])
    mast = mast_with(people, structure, "permitted")
    print(
        f"3. decided, permitted     {decision['decision_number']}, mast {mast['public_no']}, {figure(people.auditor)}"
    )
    today = dossier["received_on"]
    path = f"/api/permits/v1/applications/{dossier['id']}/notices"
    people.operator.post(path, {"kind": "commencement", "on": today})
    mast_with(people, structure, "under_construction")
    people.operator.post(path, {"kind": "completion", "on": today})
    mast_with(people, structure, "in_service")
    _counted(people, counted=before["counted"] + 1)
    print(f"4. in service             {figure(people.auditor)}")
    agreement = {
        "structure_id": structure,
        "kind": "lease",
        "tenant": "VNPT",
        "valid_from": today,
    }
    people.operator.post("/api/sharing/v1/agreements", agreement)
    _counted(people, shared=before["shared"] + 1)
    print(f"5. agreement with VNPT    {figure(people.auditor)}")
    _drill_down(people, structure)


def _counted(people: People, **wanted: int) -> None:
    def reached() -> bool:
        ratio = people.auditor.get("/api/sharing/v1/ratios", kind="mast")
        return all(ratio[key] == value for key, value in wanted.items())

    wait_for(reached, f"the ratio to reach {wanted}")


def _drill_down(people: People, structure: str) -> None:
    cursor = None
    while True:
        page = people.auditor.get("/api/sharing/v1/ratios/structures", kind="mast", side="numerator", cursor=cursor)
        for row in page["items"]:
            if row["id"] == structure:
                print(f"6. in the numerator       {row['public_no']}: {row['reason']}")
                return
        cursor = page["next"]
        if cursor is None:
            sys.exit(f"mast {structure} is not in the numerator")


if __name__ == "__main__":
    main()
