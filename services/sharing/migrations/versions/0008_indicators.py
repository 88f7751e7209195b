"""Indicators of the plans and their values

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from kernel.migrations import append_only

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "indicator",
        sa.Column("plan", sa.String(), sa.ForeignKey("plan.code"), primary_key=True),
        sa.Column("code", sa.String(), primary_key=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("published_at", _MOMENT, nullable=False),
    )
    op.create_table(
        "indicator_value",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("plan", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("org", sa.String(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("value", sa.Numeric(14, 4)),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["plan", "code"], ["indicator.plan", "indicator.code"]),
    )
    op.create_index("indicator_value_day", "indicator_value", ["plan", "code", "org", "as_of", "recorded_at"])
    for statement in append_only("sharing_app", ["statement", "statement_line", "indicator", "indicator_value"]):
        op.execute(statement)


def downgrade() -> None:
    for table in ("indicator_value", "indicator"):
        op.drop_table(table)
    op.execute("GRANT UPDATE, DELETE, TRUNCATE ON statement, statement_line TO sharing_app")
