"""Contradictions between the copies, as a work list

Revision ID: 0010
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "contradiction",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("structure_id", sa.Uuid(), sa.ForeignKey("structure.id"), nullable=False),
        sa.Column("thing", sa.Uuid(), nullable=False),
        sa.Column("org", sa.String(), nullable=False),
        sa.Column("first_seen_at", _MOMENT, nullable=False),
        sa.Column("gone_at", _MOMENT),
        sa.Column("assignee", sa.String(), nullable=False, server_default=""),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(), nullable=False, server_default="open"),
        sa.Column("note", sa.String(), nullable=False, server_default=""),
        sa.Column("closed_at", _MOMENT),
        sa.Column("closed_by", sa.String()),
        sa.Column("no", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sa.CheckConstraint("state IN ('open', 'settled', 'dismissed')"),
        sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)"),
    )
    op.create_index(
        "contradiction_standing",
        "contradiction",
        ["rule", "structure_id", "thing"],
        unique=True,
        postgresql_where=sa.text("gone_at IS NULL"),
    )
    op.create_index("contradiction_structure", "contradiction", ["structure_id"])


def downgrade() -> None:
    op.drop_table("contradiction")
