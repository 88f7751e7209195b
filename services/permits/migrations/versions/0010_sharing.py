"""Sharing first: the masts that could carry a new one's station, and why they are not used

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "share_option",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("site_no", sa.Integer(), nullable=False),
        sa.Column("structure_id", sa.Uuid(), nullable=False),
        sa.Column("public_no", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("distance_m", sa.Float(), nullable=True),
        sa.Column("height_m", sa.Numeric(precision=6, scale=2), nullable=True),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("free", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"]),
        sa.PrimaryKeyConstraint("application_id", "site_no", "structure_id"),
    )
    op.add_column("application", sa.Column("options_asked_at", sa.DateTime(timezone=True), nullable=True))
    # What was filed before is not asked of any more.
    op.execute("UPDATE application SET options_asked_at = received_at")
    op.create_index("application_options", "application", ["id"], postgresql_where=sa.text("options_asked_at IS NULL"))


def downgrade() -> None:
    op.drop_index("application_options", "application")
    op.drop_column("application", "options_asked_at")
    op.drop_table("share_option")
