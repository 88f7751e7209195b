"""What a template may not hold: what our CSP blocks, words nobody can translate, forms anybody can post."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
COMMENT = re.compile(r"\{#.*?#\}", re.S)
TRANSLATED = re.compile(r"\{%-?\s*trans\b.*?endtrans\s*-?%\}", re.S)
STATEMENT = re.compile(r"\{%.*?%\}", re.S)
EXPRESSION = re.compile(r"\{\{.*?\}\}", re.S)
SCRIPT = re.compile(r"<script\b([^>]*)>(.*?)</script>", re.S)
FOREIGN = re.compile(r"<(\w+)\b[^>]*\blang=\"\w+\"[^>]*>.*?</\1>", re.S)
KEY = re.compile(r"<(kbd|code)\b[^>]*>.*?</\1>", re.S)
TAG = re.compile(r"<!?/?[a-zA-Z](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>", re.S)
SPOKEN = re.compile(r"\b(?:title|aria-label|placeholder|alt)=\"([^\"]*)\"")
FORM = re.compile(r"<form\b[^>]*\bmethod=\"post\".*?</form>", re.S | re.I)
ATTRIBUTE = re.compile(r"[\w-]+=\"[^\"]*\"")
CLASSES = re.compile(r"\{% block page_class %\}.*?\{% endblock %\}")
WORD = re.compile(r"[^\W\d_]{2,}")
VIETNAMESE = re.compile(r"[ăâđêôơưàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ]", re.I)
SYMBOLS = {"amp", "nbsp", "lt", "gt", "quot", "API", "Ctrl", "WGS", "VN"}


def templates() -> list[Path]:
    """All templates of the product."""
    places = (
        ROOT / "kernel/web/templates",
        ROOT / "kernel/mail/templates",
        *ROOT.glob("services/*/ui/templates"),
        ROOT / "gateway/templates",
    )
    return sorted(path for place in places if place.exists() for path in place.rglob("*.html"))


def faults(text: str) -> list[str]:
    """Every fault of a template's source."""
    source = COMMENT.sub("", text)
    markup = STATEMENT.sub("", TRANSLATED.sub("", CLASSES.sub("", source)))
    return [*_blocked(EXPRESSION.sub("x", markup)), *_unguarded(source), *_untranslated(source, markup)]


def _blocked(markup: str) -> list[str]:
    found = []
    if re.search(r"<[^>]*\sstyle=", markup) or "<style" in markup:
        found.append("style in a template is blocked by the CSP: use a class")
    if re.search(r"<[^>]*\son[a-z]+=", markup) or "javascript:" in markup:
        found.append("script in an attribute is blocked by the CSP")
    for attributes, body in SCRIPT.findall(markup):
        if "src=" not in attributes and "application/json" not in attributes:
            found.append(f"inline script is blocked by the CSP: {body.strip()[:40]}")
    return found


def _unguarded(source: str) -> list[str]:
    return [f"form without csrf_field: {form[:60]}" for form in FORM.findall(source) if "csrf_field" not in form]


def _untranslated(source: str, markup: str) -> list[str]:
    seen = FOREIGN.sub("", KEY.sub("", SCRIPT.sub("", EXPRESSION.sub("", markup))))
    texts = [*(ATTRIBUTE.sub("", part) for part in TAG.split(seen)), *SPOKEN.findall(seen)]
    found = [f"text without _(): {text.strip()[:60]!r}" for text in texts if _words(text)]
    code = [*EXPRESSION.findall(source), *STATEMENT.findall(source)]
    return found + [f"Vietnamese in code: {part[:60]!r}" for part in code if VIETNAMESE.search(part)]


def _words(text: str) -> bool:
    return any(word not in SYMBOLS for word in WORD.findall(text))
