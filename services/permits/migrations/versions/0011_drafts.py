"""Law being written; a due day that moved with a calendar is told

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "law_draft",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("drafted_by", sa.Text(), nullable=False),
        sa.Column("drafted_name", sa.Text(), nullable=False),
        sa.Column("changed_at", moment, nullable=False),
        sa.Column("published_id", sa.Uuid(), nullable=True),
        sa.Column("published_by", sa.Text(), nullable=True),
        sa.Column("published_at", moment, nullable=True),
        sa.CheckConstraint("kind IN ('procedure','calendar')", name="law_draft_kind"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.add_column("deadline", sa.Column("moved_from", sa.Date(), nullable=True))
    op.create_index("deadline_moved", "deadline", ["id"], postgresql_where=sa.text("moved_from IS NOT NULL"))


def downgrade() -> None:
    op.drop_index("deadline_moved", "deadline")
    op.drop_column("deadline", "moved_from")
    op.drop_table("law_draft")
