"""Imports ask which names an owner already has: by an index, not by reading all that it owns."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "structure_version_name",
        "structure_version",
        ["owner_id", "name"],
        postgresql_where=sa.text("recorded_to = 'infinity'::timestamptz"),
    )


def downgrade() -> None:
    op.drop_index("structure_version_name", table_name="structure_version")
