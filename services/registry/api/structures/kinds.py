"""The kinds of structure, each with the types of its facts."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel

from services.registry.api.schemas import statements as given
from services.registry.api.schemas import structures as told


@dataclass(frozen=True)
class Kind:
    """`name` is what the registry calls it, `plural` its collection."""

    name: str
    plural: str
    read: type[told.StructureRead]
    register: type[BaseModel]
    batch: type[BaseModel]
    change: type[BaseModel]
    correction: type[BaseModel]

    @property
    def one(self) -> str:
        return f"/{self.plural}/{{structure_id}}"

    def route(self, permission: Any, name: str, **more: Any) -> dict[str, Any]:
        """The options of a route: its gate, and its operation id with the kind's own noun."""
        return {"dependencies": [permission], "name": name.format(self.name, self.plural), **more}


KINDS = (
    Kind("mast", "masts", told.MastRead, given.MastRegister, given.MastBatch, given.MastChange, given.MastCorrection),
    Kind("pole", "poles", told.PoleRead, given.PoleRegister, given.PoleBatch, given.PoleChange, given.PoleCorrection),
    Kind("duct", "ducts", told.DuctRead, given.DuctRegister, given.DuctBatch, given.DuctChange, given.DuctCorrection),
)
StructureId = Annotated[
    UUID, Path(description="`id` of the structure.", examples=["0199f2a0-7c1e-7d7a-9a51-3f1f5a2f6c11"])
]
