"""Names of sites are found without accents

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from kernel.texts import fold

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("application_site", sa.Column("name_fold", sa.Text(), nullable=False, server_default=""))
    rows = op.get_bind().execute(sa.text("SELECT DISTINCT name FROM application_site")).scalars().all()
    if rows:
        statement = sa.text("UPDATE application_site SET name_fold = :fold WHERE name = :name")
        op.get_bind().execute(statement, [{"name": name, "fold": fold(name)} for name in rows])
    op.alter_column("application_site", "name_fold", server_default=None)


def downgrade() -> None:
    op.drop_column("application_site", "name_fold")
