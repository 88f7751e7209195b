"""The pages of the product as the side bar lists them; each path is promised by the service that serves it."""

from pydantic import BaseModel, ConfigDict


class Entry(BaseModel):
    """`capabilities`: one of them is enough; none means everyone who is signed in. `phone`: in the foot bar.

    `key`: `g` and this letter go there. `search`: what the search field of the top bar says when it searches this page
    (`?q=`); the first such page that the person sees gets it.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    icon: str
    label: dict[str, str]
    short: dict[str, str] = {}
    capabilities: frozenset[str] = frozenset()
    phone: bool = False
    key: str = ""
    search: dict[str, str] = {}
    service: str


class Group(BaseModel):
    model_config = ConfigDict(frozen=True)

    label: dict[str, str]
    entries: tuple[Entry, ...]


OFFICERS = frozenset({"reviewer", "head", "lead", "registrar"})

NAV: tuple[Group, ...] = (
    Group(
        label={"vi": "Công việc", "en": "Work"},
        entries=(
            Entry(
                path="/",
                key="h",
                icon="home",
                label={"vi": "Trang chính", "en": "Home"},
                short={"vi": "Trang chính", "en": "Home"},
                phone=True,
                service="gateway",
            ),
            Entry(
                path="/permits/queue",
                key="q",
                icon="inbox",
                label={"vi": "Hàng đợi", "en": "Queue"},
                capabilities=OFFICERS,
                phone=True,
                service="permits",
            ),
            Entry(
                path="/permits/notices",
                key="b",
                icon="bell",
                label={"vi": "Thông báo", "en": "Notices"},
                capabilities=OFFICERS | {"applicant"},
                service="permits",
            ),
        ),
    ),
    Group(
        label={"vi": "Hồ sơ", "en": "Dossiers"},
        entries=(
            Entry(
                path="/permits/applications",
                key="d",
                icon="files",
                label={"vi": "Tất cả hồ sơ", "en": "All dossiers"},
                short={"vi": "Hồ sơ", "en": "Dossiers"},
                capabilities=OFFICERS | {"auditor"},
                phone=True,
                service="permits",
            ),
            Entry(
                path="/permits/applications",
                key="d",
                icon="files",
                label={"vi": "Hồ sơ của tôi", "en": "My dossiers"},
                short={"vi": "Hồ sơ", "en": "Dossiers"},
                capabilities=frozenset({"applicant"}),
                phone=True,
                service="permits",
            ),
            Entry(
                path="/permits/statistics",
                icon="chart",
                label={"vi": "Thống kê", "en": "Statistics"},
                capabilities=OFFICERS | {"auditor"},
                service="permits",
            ),
            Entry(
                path="/permits/applications/new",
                key="n",
                icon="file-plus",
                label={"vi": "Nộp hồ sơ", "en": "File a dossier"},
                capabilities=frozenset({"applicant"}),
                service="permits",
            ),
        ),
    ),
    Group(
        label={"vi": "Sổ đăng ký", "en": "Registry"},
        entries=(
            Entry(
                path="/registry/masts",
                key="m",
                icon="antenna",
                label={"vi": "Cột ăng ten", "en": "Antenna masts"},
                short={"vi": "Cột", "en": "Masts"},
                search={"vi": "Tìm cột, chủ sở hữu, xã…", "en": "Find a mast, owner, commune…"},
                phone=True,
                service="registry",
            ),
            Entry(
                path="/registry/poles",
                icon="pole",
                label={"vi": "Cột treo cáp", "en": "Cable poles"},
                service="registry",
            ),
            Entry(
                path="/registry/ducts",
                icon="duct",
                label={"vi": "Cống bể cáp", "en": "Ducts and manholes"},
                service="registry",
            ),
            Entry(
                path="/registry/technologies",
                icon="chart",
                label={"vi": "Trạm theo công nghệ", "en": "Stations by technology"},
                service="registry",
            ),
            Entry(
                path="/registry/quality",
                icon="clipboard",
                label={"vi": "Chất lượng dữ liệu", "en": "Data quality"},
                capabilities=OFFICERS | {"auditor", "owner", "publisher", "administrator"},
                service="registry",
            ),
            Entry(
                path="/registry/imports",
                icon="upload",
                label={"vi": "Nhập dữ liệu", "en": "Imports"},
                capabilities=frozenset({"owner", "registrar", "auditor"}),
                service="registry",
            ),
        ),
    ),
    Group(
        label={"vi": "Dùng chung", "en": "Shared use"},
        entries=(
            Entry(
                path="/sharing/ratio",
                key="r",
                icon="percent",
                label={"vi": "Tỷ lệ sử dụng chung", "en": "Sharing ratio"},
                short={"vi": "Tỷ lệ", "en": "Ratio"},
                phone=True,
                service="sharing",
            ),
            Entry(
                path="/sharing/indicators",
                icon="chart",
                label={"vi": "Chỉ tiêu kế hoạch", "en": "Plan indicators"},
                short={"vi": "Chỉ tiêu", "en": "Indicators"},
                service="sharing",
            ),
            Entry(
                path="/sharing/agreements",
                icon="agreement",
                label={"vi": "Thoả thuận", "en": "Agreements"},
                capabilities=frozenset({"owner", "auditor"}),
                service="sharing",
            ),
            Entry(
                path="/sharing/statements",
                icon="lock",
                label={"vi": "Số liệu đã chốt", "en": "Sealed statements"},
                short={"vi": "Đã chốt", "en": "Sealed"},
                service="sharing",
            ),
            Entry(
                path="/sharing/audit",
                icon="scale",
                label={"vi": "Kiểm tra, đối soát", "en": "Audit"},
                short={"vi": "Kiểm tra", "en": "Audit"},
                capabilities=frozenset({"auditor"}),
                service="sharing",
            ),
            Entry(
                path="/sharing/reports",
                icon="clipboard",
                label={"vi": "Báo cáo doanh nghiệp", "en": "Enterprise reports"},
                short={"vi": "Báo cáo", "en": "Reports"},
                capabilities=frozenset({"owner", "applicant", "auditor"}),
                service="sharing",
            ),
        ),
    ),
    Group(
        label={"vi": "Quản trị", "en": "Administration"},
        entries=(
            Entry(
                path="/registry/access",
                icon="shield",
                label={"vi": "Quyền truy cập", "en": "Access"},
                short={"vi": "Truy cập", "en": "Access"},
                capabilities=frozenset({"administrator", "auditor", "owner"}),
                service="registry",
            ),
            Entry(
                path="/permits/law",
                icon="scale",
                label={"vi": "Thủ tục và lịch", "en": "Procedures, calendars"},
                capabilities=frozenset({"publisher"}),
                service="permits",
            ),
            Entry(
                path="/permits/phrases",
                icon="bookmark",
                label={"vi": "Thư viện câu chữ", "en": "Library of texts"},
                capabilities=frozenset({"publisher", "head", "reviewer", "lead"}),
                service="permits",
            ),
            Entry(
                path="/permits/duties",
                icon="users",
                label={"vi": "Phân công ký", "en": "Division of duties"},
                capabilities=frozenset({"publisher", "head"}),
                service="permits",
            ),
            Entry(
                path="/registry/boundaries",
                icon="map",
                label={"vi": "Ranh giới", "en": "Boundaries"},
                capabilities=frozenset({"administrator"}),
                service="registry",
            ),
            *(
                Entry(
                    path=f"/{service}/parked",
                    icon="message",
                    label={"vi": f"Tin bị giữ: {vi}", "en": f"Parked: {en}"},
                    capabilities=frozenset({"administrator", "auditor"}),
                    service=service,
                )
                for service, vi, en in (
                    ("registry", "sổ đăng ký", "registry"),
                    ("permits", "cấp phép", "permits"),
                    ("sharing", "dùng chung", "sharing"),
                )
            ),
        ),
    ),
)
