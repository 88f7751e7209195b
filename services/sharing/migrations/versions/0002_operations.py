"""Parked messages are mended and redriven; the audit chain has a root for each day

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("parked", sa.Column("mended", sa.LargeBinary()))
    op.add_column("parked", sa.Column("asked_at", sa.DateTime(timezone=True)))
    op.add_column("parked", sa.Column("dropped_at", sa.DateTime(timezone=True)))
    op.add_column("parked", sa.Column("tries", sa.Integer(), server_default="0", nullable=False))
    op.create_table(
        "audit_root",
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("chain_no", sa.BigInteger(), nullable=False),
        sa.Column("chain_hash", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.execute("REVOKE DELETE, TRUNCATE ON audit_root FROM sharing_app")


def downgrade() -> None:
    op.drop_table("audit_root")
    for column in ("tries", "dropped_at", "asked_at", "mended"):
        op.drop_column("parked", column)
