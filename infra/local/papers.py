"""Small real PDFs, for the demo's dossiers and for tests: one page with a title each."""

from io import BytesIO

from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject


def paper(title: str) -> bytes:
    """A one-page A4 PDF that says `title` (ASCII) and that it is synthetic; the same title gives the same bytes."""
    writer = PdfWriter()
    page = writer.add_blank_page(595, 842)
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    page[NameObject("/Resources")] = DictionaryObject(
        {NameObject("/Font"): DictionaryObject({NameObject("/F1"): writer._add_object(font)})}
    )
    content = DecodedStreamObject()
    safe = title.replace("\\", "").replace("(", "").replace(")", "")
    content.set_data(
        f"BT /F1 18 Tf 72 760 Td ({safe}) Tj 0 -28 Td /F1 11 Tf (Du lieu mau - synthetic data) Tj ET".encode("ascii")
    )
    page[NameObject("/Contents")] = writer._add_object(content)
    writer.add_metadata({"/Title": title, "/ModDate": "", "/CreationDate": ""})
    out = BytesIO()
    writer.write(out)
    return out.getvalue()
