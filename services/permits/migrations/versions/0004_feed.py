"""Events have a place in the feed, given after the commit

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("position", sa.BigInteger()))
    op.create_unique_constraint("outbox_position_key", "outbox", ["position"])
    op.create_index("outbox_unplaced", "outbox", ["seq"], postgresql_where=sa.text("position IS NULL"))


def downgrade() -> None:
    op.drop_index("outbox_unplaced", table_name="outbox")
    op.drop_constraint("outbox_position_key", "outbox")
    op.drop_column("outbox", "position")
