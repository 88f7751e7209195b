"""The gate of a route, from the table of permissions."""

from typing import Any

from fastapi import Depends

from kernel.edge import Needs, Open
from services.registry.domain import policy


def needs(permission: str) -> Any:
    """Without one of the capabilities nothing is read, not even the body; the commands ask the policy again."""
    return Depends(Needs(permission, policy.holders(permission)))


def opened(permission: str) -> Any:
    """Nobody is asked who he is."""
    return Depends(Open(permission))
