"""The gate of every route: what the policy's table says about its permission."""

from typing import Any

from fastapi import Depends

from kernel.edge import Needs
from services.permits.domain import policy


def needs(permission: str) -> Any:
    """Without one of the capabilities nothing is read, not even the body; the commands ask the policy again."""
    return Depends(Needs(permission, policy.holders(permission)))
