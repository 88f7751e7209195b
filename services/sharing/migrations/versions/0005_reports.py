"""The enterprises' reports: cycles, lines, what was submitted, reminders

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "report_cycle",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("rule", sa.String()),
        sa.Column("year", sa.Integer()),
        sa.Column("title_vi", sa.String(), nullable=False),
        sa.Column("title_en", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("late_on", sa.Date(), nullable=False),
        sa.Column("remind", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("reporters", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("opened_by", sa.String(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("closed_at", _MOMENT),
        sa.Column("closed_by", sa.String()),
        sa.UniqueConstraint("rule", "year"),
        sa.CheckConstraint("(rule IS NULL) = (year IS NULL)"),
    )
    op.create_table(
        "report",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("cycle_id", sa.Uuid(), sa.ForeignKey("report_cycle.id"), nullable=False),
        sa.Column("org", sa.String(), nullable=False),
        sa.Column("known_at", _MOMENT, nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("versions", sa.Integer(), nullable=False),
        sa.Column("submitted_at", _MOMENT),
        sa.UniqueConstraint("cycle_id", "org"),
    )
    op.create_index("report_org", "report", ["org", "id"])
    op.create_table(
        "report_line",
        sa.Column("report_id", sa.Uuid(), sa.ForeignKey("report.id"), primary_key=True),
        sa.Column("no", sa.Integer(), primary_key=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("thing", sa.Uuid()),
        sa.Column("public_no", sa.String(), nullable=False),
        sa.Column("told", postgresql.JSONB(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False, server_default="open"),
        sa.Column("claims", postgresql.JSONB()),
        sa.Column("note", sa.String(), nullable=False, server_default=""),
        sa.Column("answered_at", _MOMENT),
        sa.Column("answered_by", sa.String()),
        sa.Column("outcome", sa.String()),
        sa.Column("outcome_note", sa.String(), nullable=False, server_default=""),
        sa.Column("settled_at", _MOMENT),
        sa.Column("settled_by", sa.String()),
    )
    op.create_table(
        "report_version",
        sa.Column("report_id", sa.Uuid(), sa.ForeignKey("report.id"), primary_key=True),
        sa.Column("no", sa.Integer(), primary_key=True),
        sa.Column("submitted_at", _MOMENT, nullable=False),
        sa.Column("submitted_by", sa.String(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
    )
    op.create_table(
        "report_reminder",
        sa.Column("report_id", sa.Uuid(), sa.ForeignKey("report.id"), primary_key=True),
        sa.Column("days_left", sa.Integer(), primary_key=True),
        sa.Column("at", _MOMENT, nullable=False),
    )


def downgrade() -> None:
    for table in ("report_reminder", "report_version", "report_line", "report", "report_cycle"):
        op.drop_table(table)
