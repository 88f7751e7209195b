"""Organisations have a short name for tables

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
    op.add_column("organisation_copy", sa.Column("short", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("organisation_copy", "short")
