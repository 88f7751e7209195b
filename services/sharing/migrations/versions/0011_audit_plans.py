"""Audits of the ratio: plans, what was drawn and what was found

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

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "audit_plan",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("definition", sa.String(), nullable=False),
        sa.Column("definition_sha256", sa.String(), nullable=False),
        sa.Column("boundary_set", sa.String(), nullable=False),
        sa.Column("unit", sa.String()),
        sa.Column("owner", sa.String()),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("known_at", _MOMENT, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("seed", sa.String(), nullable=False),
        sa.Column("rules", postgresql.JSONB(), nullable=False),
        sa.Column("strata", postgresql.JSONB(), nullable=False),
        sa.Column("shared", sa.Integer(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("drawn_at", _MOMENT, nullable=False),
        sa.Column("drawn_by", sa.String(), nullable=False),
        sa.Column("closed_at", _MOMENT),
        sa.Column("closed_by", sa.String()),
        sa.Column("result", postgresql.JSONB()),
        sa.Column("no", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sa.CheckConstraint("shared >= 0 AND shared <= counted"),
        sa.CheckConstraint("(closed_at IS NULL) = (result IS NULL)"),
    )
    op.create_table(
        "audit_item",
        sa.Column("plan_id", sa.Uuid(), sa.ForeignKey("audit_plan.id"), primary_key=True),
        sa.Column("structure_id", sa.Uuid(), primary_key=True),
        sa.Column("public_no", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("signs", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("stratum", sa.String(), nullable=False),
        sa.Column("place", sa.Integer()),
        sa.Column("found_counted", sa.Boolean()),
        sa.Column("found_shared", sa.Boolean()),
        sa.Column("users", sa.String(), nullable=False, server_default=""),
        sa.Column("note", sa.String(), nullable=False, server_default=""),
        sa.Column("evidence_sha256", sa.String(), nullable=False, server_default=""),
        sa.Column("inspected_on", sa.Date()),
        sa.Column("found_at", _MOMENT),
        sa.Column("found_by", sa.String()),
        sa.Column("no", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sa.CheckConstraint("counted OR NOT shared"),
        sa.CheckConstraint("coalesce(found_counted OR NOT found_shared, true)"),
        sa.CheckConstraint("(found_at IS NULL) = (found_counted IS NULL)"),
        sa.CheckConstraint("found_at IS NULL OR place IS NOT NULL"),
    )
    op.create_index(
        "audit_item_drawn",
        "audit_item",
        ["plan_id", "stratum", "place"],
        postgresql_where=sa.text("place IS NOT NULL"),
    )


def downgrade() -> None:
    for table in ("audit_item", "audit_plan"):
        op.drop_table(table)
