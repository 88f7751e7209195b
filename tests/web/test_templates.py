"""Templates hold nothing that the CSP blocks, nothing untranslated, no form without its token; and the lint bites."""

import unicodedata
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from kernel.web import messages
from tests.web.template_lint import ROOT, faults, templates

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("path", templates(), ids=lambda path: str(path.relative_to(ROOT)))
def test_template_is_clean(path: Path) -> None:
    assert faults(path.read_text()) == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('<p style="color:red">{{ x }}</p>', "style"),
        ('<p{% if x %} style="a"{% endif %}></p>', "style"),
        ("<script>alert(1)</script>", "inline script"),
        ('<a onclick="x()"></a>', "attribute"),
        ('<a href="javascript:x()"></a>', "attribute"),
        ("<p>Open the queue</p>", "without _()"),
        ("<p>{{ x }} ngày</p>", "without _()"),
        ('<button title="Close"></button>', "without _()"),
        ('{{ badge("Đã ký") }}', "Vietnamese in code"),
        ('<form method="post"><input name="a"></form>', "csrf_field"),
    ],
)
def test_lint_bites(source: str, said: str) -> None:
    assert any(said in fault for fault in faults(source))


@pytest.mark.parametrize(
    "source",
    [
        '<p class="am">{{ _("Open the queue") }}</p>',
        '<script type="application/json">{{ x | tojson }}</script><script src="{{ static("app.js") }}" defer></script>',
        '<form method="post">{{ csrf_field }}</form>',
        "{% trans %}Open the queue{% endtrans %}",
        '<a href="{{ "/a" if x > 1 else "/b" }}" title="{{ _("Close") }}">1</a>',
        '<p lang="vi">Độc lập</p> <kbd>Esc</kbd>',
    ],
)
def test_lint_lets_good_templates_pass(source: str) -> None:
    assert faults(source) == []


@pytest.mark.parametrize("package", messages.packages(), ids=lambda path: path.name)
def test_every_text_has_its_vietnamese(package: Path) -> None:
    assert messages.faults(package) == []


@pytest.mark.parametrize("package", messages.packages(), ids=lambda path: path.name)
def test_vietnamese_is_written_as_the_glossary_says(package: Path) -> None:
    path = messages.catalogue_of(package)
    if not path.exists():
        return
    with path.open("rb") as source:
        texts = [text for message in read_po(source, locale="vi") for text in messages.strings(message)]
    for text in texts:
        assert text == unicodedata.normalize("NFC", text)
        for bad in ("hòa", "thỏa", "ủy", "vui lòng", "rất tiếc", "!"):
            assert bad not in text.lower(), text


def test_a_missing_or_fuzzy_translation_is_refused(tmp_path: Path) -> None:
    (tmp_path / "words.py").write_text('N_("One")\nN_("Two {n}")\nN_("Three")\n_("Four")\n')
    catalogue = messages.catalogue_of(tmp_path)
    catalogue.parent.mkdir(parents=True)
    catalogue.write_text(
        'msgid "One"\nmsgstr ""\n\nmsgid "Two {n}"\nmsgstr "Hai"\n\n#, fuzzy\nmsgid "Three"\nmsgstr "Ba"\n\n'
        'msgid "Four"\nmsgstr "Bốn"\n'
    )
    said = messages.faults(tmp_path)
    assert len(said) == 3
    assert "no translation of 'One'" in said[0]
    assert "placeholders lost" in said[1]
    assert "fuzzy" in said[2]
