"""Masts are found by where they stand

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "structure_copy_place", "structure_copy", ["lat", "lon"], postgresql_where=sa.text("recorded_to = 'infinity'")
    )


def downgrade() -> None:
    op.drop_index("structure_copy_place", "structure_copy")
