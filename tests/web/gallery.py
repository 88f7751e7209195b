# ruff: noqa: E501
"""Every component on pages of sample values.

`python -m tests.web.gallery DIR` writes them; `app()` serves them under our CSP.
"""

import asyncio
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from contracts.pages import NAV
from kernel.web import assets
from kernel.web.frame import STATIC_DIR, Frame
from kernel.web.render import render, render_error

TEMPLATES = Path(__file__).parent / "gallery_templates"
PAGES = ("components", "queue", "dossier", "ratio", "masts", "mast", "home", "confirm", "sheet")
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
TODAY = date(2024, 5, 16)


def frame() -> Frame:
    return Frame([], [TEMPLATES], NAV, True, "gallery", lambda: datetime(2024, 5, 16, 3, 45, tzinfo=UTC))


def app() -> Starlette:
    assets.main()
    made = Starlette(
        routes=[
            Route("/gallery/{name}", _page),
            Route("/permits/queue", _page),
            Route("/points", _points),
            Route("/error/{status:int}", _error),
            Mount("/static", StaticFiles(directory=STATIC_DIR)),
        ]
    )
    made.state.frame = frame()
    return made


def signed_in(request: Request) -> None:
    request.state.actor = SimpleNamespace(
        id="linh",
        sid="s1",
        name="Trần Thị Mỹ Linh",
        org="SXD",
        capabilities=frozenset({"reviewer", "head", "lead", "registrar", "auditor"}),
    )


async def _page(request: Request) -> Response:
    signed_in(request)
    name = request.path_params.get("name", "queue")
    answer = render(request, f"{name}.html", values(name))
    answer.headers["Content-Security-Policy"] = CSP
    return answer


async def _error(request: Request) -> Response:
    if "stranger" not in request.query_params:
        signed_in(request)
    answer = render_error(
        request,
        status=request.path_params["status"],
        detail="Không có nội dung này.",
        trace_id="5b8aa5a2d2c8",
        back="/",
    )
    answer.headers["Content-Security-Policy"] = CSP
    return answer


async def _points(request: Request) -> Response:
    points = [
        {
            "id": "0412",
            "lat": 9.1753,
            "lon": 104.8171,
            "kind": "free",
            "label": "CMU-0412, VNPT",
            "href": "/gallery/mast",
        },
        {"id": "0402", "lat": 9.19, "lon": 104.83, "kind": "used", "label": "CMU-0402, Viettel", "href": ""},
        {"id": "0407", "lat": 9.15, "lon": 104.85, "kind": "full", "label": "CMU-0407, VNPT", "href": ""},
        {"id": "0418", "lat": 9.16, "lon": 104.80, "kind": "idle", "label": "CMU-0418, MobiFone", "href": ""},
        {"id": "0420", "lat": 9.20, "lon": 104.80, "kind": "planned", "label": "CMU-0420, Viettel", "href": ""},
        {"id": "", "lat": 9.13, "lon": 104.82, "kind": "cluster", "count": 12},
        {"id": "", "lat": 9.21, "lon": 104.86, "kind": "cluster", "count": 7},
    ]
    return JSONResponse({"points": points})


def values(name: str) -> dict[str, Any]:
    common = {"org_name": "Sở Xây dựng", "nav_counts": {"/permits/queue": 64}}
    made: dict[str, dict[str, Any]] = {
        "components": {
            "errors": _ERRORS,
            "typed": {"due_on": "10/05/2024", "ground": "Khoản 3 Điều 43 Nghị định 11/2010/NĐ-CP"},
        },
        "queue": {"rows": _QUEUE},
        "dossier": {"days": _days(), "phases": _phases()},
        "ratio": {"points": _TREND, "owners": _bars(_OWNERS), "units": _bars(_UNITS)},
        "mast": {"lanes": _LANES},
        "confirm": {
            "question": "Ký ý kiến của Sở Giao thông vận tải?",
            "rows": [
                ("Hồ sơ", "HS-2024-00182, cột 45 m xã Khánh Hải"),
                ("Kết luận", "Đồng ý có điều kiện (1 điều kiện)"),
            ],
            "effect": "Gửi ngay tới Sở Xây dựng. Không sửa được nữa.",
            "action": "/gallery/confirm",
            "verb": "Ký và gửi",
            "symbol": "pen",
            "back": ("Quay lại sửa", "/gallery/dossier"),
            "danger": False,
            "hidden": {},
            "errors": {},
        },
        "sheet": {
            "agency": ("UBND TỈNH CÀ MAU", "SỞ XÂY DỰNG"),
            "sheet_title": "BẢNG TÍNH THỜI HẠN GIẢI QUYẾT",
            "sheet_line": "Hồ sơ HS-2024-00182, tính lúc 10:45 ngày 16/05/2024",
            "footer": ["Thủ tục bản 2024.1, lịch 2024 bản 3", "Mã kiểm: 7F3A 91C0 E2", "Trang 1/2"],
        },
    }
    return common | made.get(name, {})


_ERRORS = {"outcome": "Chọn kết luận", "due_on": "Hạn thực hiện phải sau ngày 16/05/2024"}
_MARKS = {
    "agree": "Đồng ý",
    "cond": "Đồng ý có điều kiện",
    "disagree": "Không đồng ý",
    "draft": "Đang soạn",
    "wait": "Chưa trả lời",
    "late": "Trễ hạn trả lời",
    "silent": "Im lặng, coi như đồng ý",
    "none": "Không lấy ý kiến",
}


def _row(
    number: int, who: str, work: str, place: str, step: str, chip: str, days: str, due: str, marks: str, to: str
) -> dict[str, Any]:
    agencies = (("XD", "Sở Xây dựng"), ("GT", "Sở Giao thông vận tải"), ("TN", "Sở Tài nguyên và Môi trường"))
    kinds = marks.split()
    return {
        "number": f"HS-2024-{number:05}",
        "who": who,
        "work": work,
        "place": place,
        "step": step,
        "chip": chip,
        "days": days,
        "due": due,
        "marks": [
            (kind, agency[0], f"{agency[1]}: {_MARKS[kind]}") for kind, agency in zip(kinds, agencies, strict=True)
        ],
        "to": to,
    }


_QUEUE = [
    _row(151, "Viettel Cà Mau", "Cột tự đứng 42 m", "xã Tân Hưng Tây, Phú Tân", "Lấy ý kiến", "over", "Quá 3 ngày", "13/05", "agree late wait", "Mỹ Linh"),
    _row(158, "MobiFone KV9", "Cột dây co 45 m", "xã Tam Giang Đông, Năm Căn", "Thẩm định", "over", "Quá 2 ngày", "14/05", "draft cond agree", "Văn Bảo"),
    _row(149, "VNPT Cà Mau", "Cột tự đứng 48 m", "TT. Sông Đốc, Trần Văn Thời", "Chờ quyết định", "over", "Quá 1 ngày", "15/05", "agree agree disagree", "Mỹ Linh"),
    _row(163, "Viettel Cà Mau", "Cột trên mái 12 m", "phường 5, TP. Cà Mau", "Kiểm tra hồ sơ", "today", "Hôm nay", "16/05", "wait none none", ""),
    _row(166, "Vietnamobile", "Cột dây co 36 m", "xã Khánh An, U Minh", "Lấy ý kiến", "today", "Hôm nay", "16/05", "agree silent draft", "Mỹ Linh"),
    _row(171, "Viettel Cà Mau", "Cột tự đứng 45 m", "xã Đất Mũi, Ngọc Hiển", "Lấy ý kiến", "soon", "Còn 1 ngày", "17/05", "cond agree wait", "Mỹ Linh"),
    _row(169, "VNPT Cà Mau", "Cột dây co 42 m", "xã Trí Phải, Thới Bình", "Lấy ý kiến", "soon", "Còn 1 ngày", "17/05", "agree agree wait", "Văn Bảo"),
    _row(174, "MobiFone KV9", "Cột tự đứng 45 m", "xã Lương Thế Trân, Cái Nước", "Thẩm định", "soon", "Còn 2 ngày", "20/05", "draft agree cond", "Khánh Duy"),
    _row(179, "VNPT Cà Mau", "Cột trên mái 9 m", "phường Tân Xuyên, TP. Cà Mau", "Lấy ý kiến", "ok", "Còn 5 ngày", "23/05", "agree none agree", "Mỹ Linh"),
    _row(182, "Viettel Cà Mau", "Cột tự đứng 45 m", "xã Khánh Hải, Trần Văn Thời", "Lấy ý kiến", "ok", "Còn 7 ngày", "27/05", "draft agree wait", "Mỹ Linh"),
    _row(160, "MobiFone KV9", "Cột dây co 45 m", "xã Tạ An Khương, Đầm Dơi", "Chờ bổ sung", "pause", "Dừng, còn 4 ngày", "–", "none none none", "Mỹ Linh"),
    _row(155, "VNPT Cà Mau", "Cột tự đứng 48 m", "xã Hồ Thị Kỷ, Thới Bình", "Chờ bổ sung", "pause", "Dừng, còn 2 ngày", "–", "cond wait wait", "Mỹ Linh"),
]  # fmt: skip


def _phases() -> list[dict[str, Any]]:
    days = [date(2024, 4, 17), date(2024, 4, 24), date(2024, 5, 3), date(2024, 5, 6), TODAY, date(2024, 5, 27)]
    kinds = ("used", "pause", "used", "run", "rest")
    return [{"start": start, "end": end, "kind": kind} for start, end, kind in zip(days, days[1:], kinds, strict=False)]


def _days() -> list[dict[str, Any]]:
    found, counted = [], 0
    for offset in range((date(2024, 5, 27) - date(2024, 4, 17)).days + 1):
        day = date(2024, 4, 17) + timedelta(days=offset)
        kind, text = "earlier", ""
        if day == date(2024, 4, 17):
            text = "nhận"
        elif day == date(2024, 4, 18):
            kind, text = "holiday", "lễ"
        elif date(2024, 4, 24) <= day <= date(2024, 5, 2):
            kind, text = "paused", "dừng"
        elif day.weekday() > 4 and day != date(2024, 5, 4):
            kind = "off"
        elif day < date(2024, 5, 7):
            text = str(len([each for each in found if each["kind"] == "earlier"]))
        else:
            counted += 1
            kind, text = ("counted" if day <= TODAY else "future"), str(counted)
        due = day == date(2024, 5, 27)
        found.append({"day": day, "kind": kind, "text": "hạn" if due else text, "today": day == TODAY, "due": due})
    return found


_TREND = {
    "actual": [["2023-06-30", 11.74], ["2023-09-30", 12.2], ["2023-12-31", 13.05], ["2024-03-31", 13.6], ["2024-05-15", 14.04]],
    "forecast": [["2024-05-15", 14.04, 14.04, 14.04], ["2024-12-31", 15.6, 16.3, 17.1], ["2025-06-30", 17.1, 18.4, 19.8], ["2025-12-31", 18.5, 20.4, 22.4]],
    "targets": [["2023-12-31", 13, "Chỉ tiêu 13%"], ["2024-12-31", 19, "Chỉ tiêu 19%"], ["2025-12-31", 25, "Chỉ tiêu 25%"]],
    "top": 30,
    "words": {"actual": "Thực tế", "forecast": "Dự báo theo hồ sơ đang giải quyết, khoảng 80%", "target": "Chỉ tiêu 31/12"},
}  # fmt: skip
_OWNERS = [("Viettel", 52, 559, 55), ("VNPT", 61, 360, 8), ("MobiFone", 38, 280, 16), ("Vietnamobile", 11, 80, 5), ("Gmobile", 2, 13, 1), ("Công ty hạ tầng", 23, 40, 0)]  # fmt: skip
_UNITS = [("TT. Sông Đốc", 1, 34, 6), ("Xã Đất Mũi", 0, 21, 4), ("Xã Tam Giang Đông", 0, 19, 4), ("Xã Khánh Hải", 1, 22, 4), ("TT. Năm Căn", 3, 29, 3), ("Xã Nguyễn Huân", 1, 17, 3)]  # fmt: skip


def _bars(rows: list[tuple[str, int, int, int]]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "href": "#",
            "shared": shared,
            "total": total,
            "percent": Decimal(100) * shared / total,
            "missing": missing,
        }
        for name, shared, total, missing in rows
    ]


def _span(start: date, end: date | None, text: str) -> dict[str, Any]:
    return {"start": start, "end": end, "text": text}


_LANES = [
    {"recorded": "10/04/2024", "note": "đính chính", "current": True, "spans": [_span(date(2019, 2, 15), date(2021, 6, 1), "42,0 m"), _span(date(2021, 6, 1), None, "45,0 m từ 01/06/2021")]},
    {"recorded": "20/09/2021", "note": "đã thay", "current": False, "spans": [_span(date(2019, 2, 15), date(2021, 8, 1), "42,0 m"), _span(date(2021, 8, 1), None, "45,0 m từ 01/08/2021")]},
    {"recorded": "12/03/2019", "note": "đã thay", "current": False, "spans": [_span(date(2019, 2, 15), None, "42,0 m từ 15/02/2019")]},
]  # fmt: skip


class Reader:
    """Asks an application without a server; what it raises comes through."""

    def __init__(self, asked: Starlette) -> None:
        self._asked = asked

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._asked)
            async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
                return await http.get(path, headers=headers)

        return asyncio.run(ask())


def write(directory: Path) -> None:
    """All pages as files, to be read with `/static` beside them."""
    directory.mkdir(parents=True, exist_ok=True)
    reader = Reader(app())
    for name in PAGES:
        (directory / f"{name}.html").write_text(reader.get(f"/gallery/{name}").text)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
