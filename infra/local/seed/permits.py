"""Invented dossiers in every state, told to permits by its own commands, each at the moment it would have happened."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from infra.local.identity import realm
from infra.local.papers import paper
from infra.local.seed.province import Place, masts
from infra.local.seed.registry import places
from kernel import feed
from kernel.auth import Actor
from kernel.clock import LOCAL, local_date
from kernel.db import Database, new_id
from services.permits.commands.complete import accept, request_supplement, supplement
from services.permits.commands.decide import decide, withdraw
from services.permits.commands.file import Filing, file
from services.permits.commands.keep import store_file, take
from services.permits.commands.notify import meet
from services.permits.commands.review import give_opinion
from services.permits.commands.works import notify_works
from services.permits.domain.application import Condition, Decision, Opinion, PartDraft, SiteDraft, SupplementItem
from services.permits.queries.dossier import Dossier, application
from services.permits.settings import PermitsSettings
from services.registry.data import units

Command = Callable[..., Awaitable[object]]
NAMES = {"VIETTEL": "viettel-api", "VNPT": "vnpt-api", "MOBIFONE": "mobifone-api"}
PAPERS = {
    "application_form": "Don de nghi cap giay phep",
    "land_paper": "Xac nhan vi tri dat",
    "drawings": "Ban ve mat dung va mong",
    "lease": "Hop dong thue",
    "structure_check": "Ket qua kiem tra ket cau",
    "sharing_statement": "Giai trinh dung chung",
}
GROUNDS = {
    "construction": "Phù hợp quy hoạch, kết cấu móng đạt yêu cầu.",
    "transport": "Ngoài hành lang an toàn đường bộ.",
    "natural_resources": "Đất đúng mục đích, không thuộc rừng ngập mặn.",
}
CONDITIONS = {
    "construction": Condition(
        "Đo kiểm độ nghiêng của cột trước khi đưa vào sử dụng.",
        kind="before_use",
        evidence="Biên bản đo kiểm",
        verifier="construction",
    ),
    "transport": Condition("Không tập kết vật liệu trên lề đường.", kind="during_works", verifier="transport"),
    "natural_resources": Condition(
        "Hoàn trả mặt bằng sau khi thi công.",
        kind="before_use",
        evidence="Ảnh hiện trạng",
        verifier="natural_resources",
    ),
}
HEADS = {"construction": ("sxd.hung", "Nguyễn Văn Hùng"), "transport": ("sgtvt.tuan", "Phạm Anh Tuấn")}
HEADS["natural_resources"] = ("stnmt.dung", "Đặng Hữu Dũng")


@dataclass(frozen=True)
class Story:
    """One dossier: when it came and how far it got. `opinions` maps function to outcome; days count from receipt."""

    received: date
    applicant: str
    height_m: str = "42.0"
    roof: bool = False
    opinions: Mapping[str, str] | None = None
    incomplete: bool = False
    supplemented: bool = False
    outcome: str | None = None
    withdrawn: bool = False
    commenced: bool = False


class Teller:
    """Tells stories to one database, in the order of time inside each."""

    def __init__(self, database: Database, settings: PermitsSettings, today: datetime) -> None:
        self._database, self._settings, self._today = database, settings, today
        self._random = Random(251)  # noqa: S311
        self._masts = [mast for mast in masts(places()) if mast.ended is None]
        self._files: dict[tuple[str, str], UUID] = {}

    async def tell(self, stories: Iterable[Story]) -> int:
        count = 0
        for count, story in enumerate(stories, start=1):
            await self._story(story, count)
        await self._meet_people()
        return count

    async def _meet_people(self) -> None:
        """Those who sign in at the demonstration are known from the start, and are told of nothing that is over."""
        async with self._database.tx() as tx:
            while await feed.place(tx):
                pass
            await tx.execute(sa.text("UPDATE told SET position = (SELECT coalesce(max(position), 0) FROM outbox)"))
            for person in realm.load().people.values():
                known = frozenset(person.capabilities), frozenset(person.functions)
                actor = Actor(person.username, person.org, "person", person.name, *known, locale=person.locale)
                await meet(tx, actor, now=self._today)

    async def _story(self, story: Story, number: int) -> None:
        """In one transaction: between its acts the worker would see deadlines that passed years ago."""
        at = _at(story.received, self._random)
        applicant = Actor(NAMES[story.applicant], story.applicant, "client", capabilities=frozenset({"applicant"}))
        async with self._database.tx() as tx:
            tale = _Tale(tx, self._settings, self._today, applicant, await self._file(tx, story, number, applicant, at))
            at += timedelta(days=1, hours=1)
            if story.incomplete:
                at = await self._supplements(tale, story, at)
            if story.withdrawn:
                await tale.act(applicant, withdraw, "Đổi vị trí xây dựng", at=at)
            elif story.opinions is not None:
                await _reviews(tale, story, at)

    async def _file(self, tx: AsyncSession, story: Story, number: int, applicant: Actor, at: datetime) -> UUID:
        codes = ["land_paper", "drawings", "sharing_statement"]
        codes += ["application_form"] if story.received < date(2026, 1, 1) else []
        codes += ["lease", "structure_check"] if story.roof else []
        files = [PartDraft(code, await self._stored(tx, applicant, code, at)) for code in codes]
        place = self._place(story.received)
        is_old = story.received < date(2024, 12, 24)
        site = SiteDraft(
            kind="mast",
            lon=place.lon,
            lat=place.lat,
            commune=place.unit,
            name=f"BTS {place.name} {number}",
            code=("TT14", "A2a" if story.roof else "A2b") if is_old else ("ND163", "A1"),
            height_m=Decimal(story.height_m),
            capacity=self._random.choice((1, 2, 3)),
            facts={"foundation": "roof" if story.roof else "ground"},
        )
        dossier_id = new_id()
        filing = Filing("mast.new", [site], files)
        await file(tx, applicant, filing, application_id=dossier_id, settings=self._settings, now=at)
        return dossier_id

    def _place(self, day: date) -> Place:
        """Some hundred metres from a mast of the demonstration, so that reviewers can ask: why not share?"""
        communes = {place.unit: place for place in _communes_on(day)}
        while True:
            mast = self._random.choice(self._masts)
            commune = communes.get(_successor(mast.unit, day))
            if commune is not None:
                lon = round(mast.lon + self._random.choice((-1, 1)) * self._random.uniform(0.003, 0.006), 6)
                return replace(commune, lon=lon, lat=round(mast.lat + self._random.uniform(-0.004, 0.004), 6))

    async def _stored(self, tx: AsyncSession, applicant: Actor, code: str, at: datetime) -> UUID:
        """Each operator's paper is stored once and serves all of his dossiers."""
        key = (applicant.org, code)
        if key not in self._files:
            self._files[key] = new_id()
            async with take(_once(paper(PAPERS[code])), f"{code}.pdf", self._settings) as taken:
                await store_file(tx, applicant, taken, file_id=self._files[key], now=at)
        return self._files[key]

    async def _supplements(self, tale: "_Tale", story: Story, at: datetime) -> datetime:
        item = SupplementItem("drawings", "Thiếu mặt cắt móng và cao độ tự nhiên")
        await tale.act(None, request_supplement, [item], at=at)
        if story.supplemented:
            at += timedelta(days=1, hours=2)
            part = PartDraft("drawings", await self._stored(tale.tx, tale.applicant, "drawings", at))
            await tale.act(tale.applicant, supplement, [part], at=at)
        return at + timedelta(hours=3)


@dataclass(frozen=True)
class _Tale:
    """One dossier while it is told."""

    tx: AsyncSession
    settings: PermitsSettings
    today: datetime
    applicant: Actor
    dossier_id: UUID

    async def act(
        self, actor: Actor | None, command: Callable[..., Awaitable[object]], *said: object, at: datetime
    ) -> None:
        """One command at its moment; without an actor, as the lead authority of that dossier."""
        dossier = await self.dossier(actor)
        who = actor or replace(_LEAD, org=dossier.lead_org)
        await command(self.tx, who, dossier, *said, settings=self.settings, now=min(at, self.today))

    async def dossier(self, actor: Actor | None = None) -> Dossier:
        return await application(self.tx, self.dossier_id, actor=actor or replace(_LEAD, kind="system"), lock=True)


async def _reviews(tale: _Tale, story: Story, at: datetime) -> None:
    await tale.act(None, accept, at=at)
    for function, outcome in (story.opinions or {}).items():
        at += timedelta(hours=5)
        review = next(r for r in (await tale.dossier()).reviews if r.function == function)
        name, said = HEADS[function]
        officer = Actor(name, review.org, "person", said, frozenset({"reviewer", "head"}), frozenset({function}))
        conditions = (CONDITIONS[function],) if outcome == "conditions" else ()
        await tale.act(officer, give_opinion, function, Opinion(outcome, GROUNDS[function], conditions), at=at)
    if story.outcome is None:
        return
    at += timedelta(days=1)
    grounds = "Tổng hợp ý kiến của các cơ quan."
    await tale.act(None, decide, Decision(story.outcome, grounds, reason="Đủ căn cứ quyết định sớm"), at=at)
    if story.commenced:
        dossier, start = await tale.dossier(tale.applicant), local_date(at) + timedelta(days=10)
        now = min(at + timedelta(days=7), tale.today)
        await notify_works(tale.tx, tale.applicant, dossier, "commencement", start, now=now)


_LEAD = Actor(
    "sxd.hung",
    "SXD",
    "person",
    "Nguyễn Văn Hùng",
    frozenset({"registrar", "reviewer", "head", "lead", "auditor"}),
    frozenset({"construction"}),
)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


def _at(day: date, random: Random) -> datetime:
    return datetime.combine(day, time(random.randint(8, 15), random.randint(0, 59)), LOCAL)


def _communes_on(day: date) -> list[Place]:
    """The communes of that day in the west of the province, which was Cà Mau before the merger."""
    return [
        Place(unit.id, unit.name, unit.lat, unit.lon, unit.area_km2 or 1)
        for unit in units().units
        if unit.level == "commune"
        and (unit.valid_from or date.min) <= day < (unit.valid_to or date.max)
        and unit.lat
        and unit.lon
        and unit.lon < 105.35
    ]


def _successor(unit: str, day: date) -> str:
    """The commune that a commune of 2023 has wholly become by `day`; itself while it stands or was divided."""
    for step in units().successions:
        if step.unit == unit and step.relation == "whole" and step.on <= day:
            return _successor(step.successor, day)
    return unit


def stories(today: date) -> list[Story]:
    """Permits of 2023 to 2025, long decided, then notices of the last weeks in every state."""
    return [*_old_permits(), *_notices(today)]


def _old_permits() -> list[Story]:
    random = Random(252)  # noqa: S311
    told = []
    for number in range(26):
        day = date(2023, 8, 14) + timedelta(days=number * 31 + number % 3)
        outcome = "refused" if number % 9 == 4 else "granted"
        mixed = {
            "construction": "agree",
            "transport": random.choice(("agree", "conditions")),
            "natural_resources": "agree",
        }
        if outcome == "refused":
            mixed["natural_resources"] = "disagree"
        told.append(
            Story(
                _weekday(day),
                random.choice(("VIETTEL", "VIETTEL", "VNPT", "MOBIFONE")),
                random.choice(("36.0", "42.0", "45.0")),
                opinions=mixed,
                outcome=outcome,
                incomplete=number % 6 == 2,
                supplemented=number % 6 == 2,
                commenced=outcome == "granted" and number % 3 == 0,
            )
        )
    return told


def _notices(today: date) -> list[Story]:
    """Their receipt lies so many days back that completeness, consultation and decision stand as the story wants."""
    agree = {"construction": "agree", "transport": "agree", "natural_resources": "agree"}
    mixed = {"construction": "conditions", "transport": "agree", "natural_resources": "conditions"}
    contrary = {"construction": "agree", "transport": "conditions", "natural_resources": "disagree"}
    two = {"construction": "agree", "transport": "conditions"}
    plans: list[tuple[int, dict[str, object]]] = [
        *(
            (back, {"opinions": agree, "outcome": "no_objection", "commenced": back % 2 == 0})
            for back in range(60, 24, -4)
        ),
        (52, {"opinions": contrary, "outcome": "objection"}),
        (40, {"opinions": mixed, "outcome": "no_objection"}),
        (31, {"withdrawn": True}),
        (18, {"opinions": contrary}),
        (17, {"opinions": {}}),
        (15, {"opinions": {"transport": "agree"}, "height_m": "60.0"}),
        (13, {"opinions": mixed}),
        (12, {"opinions": two, "roof": True, "height_m": "12.0"}),
        (11, {"opinions": agree}),
        (8, {"opinions": {"natural_resources": "agree"}, "height_m": "99.9"}),
        (7, {"opinions": two}),
        (7, {"opinions": {"construction": "agree"}}),
        (6, {"opinions": {}}),
        (6, {"incomplete": True, "supplemented": True, "opinions": {"transport": "agree"}}),
        (6, {"opinions": {"transport": "conditions"}, "height_m": "45.0"}),
        (5, {"opinions": two}),
        (5, {"incomplete": True}),
        (4, {"incomplete": True}),
        (4, {"opinions": {}}),
        (4, {"opinions": {"construction": "agree"}}),
        (3, {"incomplete": True, "supplemented": True}),
        (2, {}),
        (1, {"roof": True, "height_m": "9.0"}),
        (1, {}),
        (0, {"height_m": "48.0"}),
    ]
    random = Random(253)  # noqa: S311
    return [
        Story(_weekday(today - timedelta(days=back)), random.choice(("VIETTEL", "VNPT", "MOBIFONE")), **more)  # type: ignore[arg-type]
        for back, more in plans
    ]


def _weekday(day: date) -> date:
    """Nobody files on a Sunday in this province."""
    return day - timedelta(days=max(day.weekday() - 4, 0))
