"""Pictures of the running demonstration: `python -m infra.local.screenshots FOLDER [all]`, 1440 and 390 px, two themes.

Without `all` only the few that the documents show. Signs in as the demo people, on the embedded provider.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]


@dataclass(frozen=True)
class Picture:
    """`path` may hold a CSS selector after `|`: the link that is followed from there."""

    name: str
    person: str | None
    path: str
    in_docs: bool = False


PICTURES = (
    Picture("landing", None, "/"),
    Picture("home-officer", "sxd.lan", "/"),
    Picture("home-operator", "viettel.an", "/", in_docs=True),
    Picture("home-ict", "skhcn.mai", "/"),
    Picture("queue", "sxd.hung", "/permits/queue", in_docs=True),
    Picture("queue-empty", "stnmt.hoa", "/permits/queue?q=khongcogi"),
    Picture("dossier", "sxd.hung", "/permits/queue?tab=all|tbody a", in_docs=True),
    Picture("applications", "viettel.an", "/permits/applications"),
    Picture("filing", "viettel.an", "/permits/applications/new"),
    Picture("masts", "skhcn.mai", "/registry/masts", in_docs=True),
    Picture("masts-empty", "skhcn.mai", "/registry/masts?q=khongcogi"),
    Picture("mast", "skhcn.mai", "/sharing/ratio|#lists tbody a", in_docs=True),
    Picture("boundaries", "quantri", "/registry/boundaries"),
    Picture("imports", "viettel.an", "/registry/imports"),
    Picture("ratio", "skhcn.mai", "/sharing/ratio", in_docs=True),
    Picture("ratio-empty", "skhcn.mai", "/sharing/ratio?kind=duct"),
    Picture("agreements", "viettel.an", "/sharing/agreements"),
    Picture("agreement-new", "viettel.an", "/sharing/agreements/new"),
    Picture("ratio-compare", "skhcn.mai", "/sharing/ratio/compare?before_as_of=01/06/2019"),
    Picture("forecast", "skhcn.mai", "/sharing/ratio/forecast?more_shared=17&build=20&build_shared=5", in_docs=True),
    Picture("law", "skhcn.mai", "/sharing/law"),
    Picture("law-definition", "skhcn.mai", "/sharing/law/definitions/new"),
    Picture("law-plan", "skhcn.mai", "/sharing/law/plans/new"),
    Picture("indicators", "skhcn.mai", "/sharing/indicators"),
    Picture("indicator", "skhcn.mai", "/sharing/indicators/V.1"),
    Picture("indicator-counted", "viettel.an", "/sharing/indicators/I.3"),
    Picture("open-data", None, "/sharing/open"),
    Picture("statements", "skhcn.mai", "/sharing/statements"),
    Picture("statement", "skhcn.mai", "/sharing/statements|tbody a"),
    Picture("statement-seal", "skhcn.mai", "/sharing/statements/new"),
    Picture("reports", "skhcn.mai", "/sharing/reports"),
    Picture("report-round", "skhcn.mai", "/sharing/reports|tbody a"),
    Picture("report", "viettel.an", "/sharing/reports|tbody a"),
    Picture("report-ask", "skhcn.mai", "/sharing/reports/new"),
    Picture("access", "quantri", "/registry/access"),
    Picture("access-organisation", "quantri", "/registry/access|main tbody a"),
    Picture("parked-empty", "quantri", "/registry/parked"),
    Picture("sessions", "quantri", "/sessions"),
    Picture("problems", None, "/problems"),
    Picture("problem", None, "/problems/ApplicationNotFound"),
    Picture("changes", None, "/changes"),
    Picture("nothing-here", "viettel.an", "/permits/nothing"),
    Picture("docs", None, "/docs"),
)


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def sign_in(page: Page, gateway: str, person: str) -> None:
    """Through the embedded provider's page, as a person does."""
    page.goto(f"{gateway}/sign-in")
    page.click(f'button[name=person][value="{person}"]')
    page.wait_for_url(f"{gateway}/**")


def shots(context: BrowserContext, gateway: str, picture: Picture, file: Path) -> None:
    page = context.new_page()
    try:
        address, _, follow = picture.path.partition("|")
        page.goto(gateway + address)
        if follow:
            page.goto(gateway + (page.get_attribute(follow, "href") or "/"))
        page.wait_for_load_state("networkidle")
        page.screenshot(path=str(file), full_page=True)
    finally:
        page.close()


def main(folder: Path, everything: bool) -> None:
    gateway = os.environ.get("PUBLIC_URL", f"http://127.0.0.1:{os.environ.get('PORT', '8080')}")
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [picture for picture in PICTURES if everything or picture.in_docs]
    with chromium() as browser:
        for width, theme in ((1440, "light"), (1440, "dark"), (390, "light")) if everything else ((1440, "light"),):
            for person in sorted({picture.person or "" for picture in wanted}):
                size = {"width": width, "height": 900}
                context = browser.new_context(viewport=size, locale="vi-VN", color_scheme=theme)  # type: ignore[arg-type]
                if person:
                    sign_in(context.new_page(), gateway, person)
                for picture in wanted:
                    if (picture.person or "") == person:
                        suffix = f"-{width}-{theme}" if everything else ""
                        _try(context, gateway, picture, folder / f"{picture.name}{suffix}.png")
                context.close()


def _try(context: BrowserContext, gateway: str, picture: Picture, file: Path) -> None:
    try:
        shots(context, gateway, picture, file)
        print(file.name)
    except Exception as error:
        print(f"{file.name}: {str(error)[:200]}", file=sys.stderr)


if __name__ == "__main__":
    main(Path(sys.argv[1]), "all" in sys.argv[2:])
