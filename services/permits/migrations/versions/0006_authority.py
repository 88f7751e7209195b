"""Who leads is the dossier's own; a supplement request may lapse

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
    op.add_column("application", sa.Column("lead_function", sa.Text()))
    op.execute(
        "UPDATE application a SET lead_function = p.body->>'lead' FROM procedure_version p"
        " WHERE p.id = a.procedure_version_id"
    )
    op.alter_column("application", "lead_function", nullable=False)
    op.add_column("supplement_request", sa.Column("lapsed_on", sa.Date()))


def downgrade() -> None:
    op.drop_column("supplement_request", "lapsed_on")
    op.drop_column("application", "lead_function")
