"""What the columns of all tables share."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry
from sqlmodel import SQLModel

MOMENT: Any = sa.DateTime(timezone=True)
JSON: Any = JSONB(none_as_null=True)
TEXT: Any = sa.Text


class Table(SQLModel, registry=registry()):
    pass
