"""Sealed statements: the figure, the lines behind it, the numbers of a year

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "statement",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("definition", sa.String(), nullable=False),
        sa.Column("boundary_set", sa.String(), nullable=False),
        sa.Column("unit", sa.String()),
        sa.Column("owner", sa.String()),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("known_at", _MOMENT, nullable=False),
        sa.Column("shared", sa.Integer(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("seal", sa.String(), nullable=False),
        sa.Column("paper", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", _MOMENT, nullable=False),
        sa.Column("sealed_by", sa.String(), nullable=False),
        sa.UniqueConstraint("year", "no"),
        sa.CheckConstraint("shared >= 0 AND shared <= counted"),
    )
    op.create_table(
        "statement_line",
        sa.Column("statement_id", sa.Uuid(), sa.ForeignKey("statement.id"), primary_key=True),
        sa.Column("structure_id", sa.Uuid(), primary_key=True),
        sa.Column("public_no", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("sharers", postgresql.JSONB(), nullable=False),
    )
    op.create_table(
        "statement_number",
        sa.Column("year", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("last_no", sa.Integer(), nullable=False),
    )


def downgrade() -> None:
    for table in ("statement_number", "statement_line", "statement"):
        op.drop_table(table)
