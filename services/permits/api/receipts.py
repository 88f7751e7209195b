"""The signed receipt of a filing."""

from typing import Any

from fastapi import Request, Response

from kernel.edge import CurrentActor, Read, api_router
from kernel.seals import opened
from services.permits import commands, queries
from services.permits.api.gate import needs
from services.permits.api.schemas.given import DossierId
from services.permits.api.schemas.receipts import ReceiptText, SealedReceipt

router = api_router("/api/permits/v1", ["dossiers"])
PDF = "application/pdf"


@router.get(
    "/applications/{id}/receipt", response_model=SealedReceipt, dependencies=[needs("permits:application:read")]
)
async def read_receipt(id: DossierId, request: Request, actor: CurrentActor, read: Read) -> dict[str, Any]:
    """The receipt of the filing, signed. Number, time, law, places, and the SHA-256 of every part as it was sent.

    `seal` is a JWS over the canonical JSON of `receipt` with the certificate inside: it can be checked years later
    without this system, by `python -m services.permits check-receipt FILE` or any JOSE library.
    """
    settings = request.app.state.settings
    # Signed as it is told, letter by letter: whoever keeps the answer can compare it with the seal.
    found = ReceiptText.model_validate(await queries.receipt(read, id, actor=actor))
    receipt = found.model_dump(mode="json")
    seal = opened(settings.seal_file, settings.seal_password)
    return {"receipt": receipt, "seal": seal.sign(receipt), "signer": seal.signer}


@router.get(
    "/applications/{id}/receipt/paper",
    dependencies=[needs("permits:application:read")],
    response_class=Response,
    responses={200: {"content": {PDF: {"schema": {"type": "string", "format": "binary"}}}}},
)
async def read_receipt_paper(id: DossierId, request: Request, actor: CurrentActor, read: Read) -> Response:
    """The receipt on paper. PDF/A in Vietnamese with an electronic signature (PAdES), always with the same content."""
    settings = request.app.state.settings
    key = opened(settings.seal_file, settings.seal_password)
    say = request.app.state.frame.translations("vi").gettext
    body = await commands.receipt_paper(read, id, actor, key, say)
    headers = {"Content-Disposition": f'inline; filename="receipt-{id}.pdf"'}
    return Response(body, media_type=PDF, headers=headers)
