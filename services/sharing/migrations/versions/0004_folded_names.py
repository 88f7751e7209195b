"""Names of structures are found without accents

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

from kernel.texts import fold

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("structure", sa.Column("name_fold", sa.String(), nullable=False, server_default=""))
    rows = op.get_bind().execute(sa.text("SELECT DISTINCT name FROM structure WHERE name <> ''")).scalars().all()
    if rows:
        statement = sa.text("UPDATE structure SET name_fold = :fold WHERE name = :name")
        op.get_bind().execute(statement, [{"name": name, "fold": fold(name)} for name in rows])


def downgrade() -> None:
    op.drop_column("structure", "name_fold")
