"""Mail, and where the enterprises want to be reminded of their reports

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "report_contact",
        sa.Column("org", sa.String(), primary_key=True),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("set_at", moment, nullable=False),
        sa.Column("set_by", sa.String(), nullable=False),
    )
    op.create_table(
        "mail",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("thing", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("recorded_at", moment, nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_try_at", moment, nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("sent_at", moment, nullable=True),
        sa.Column("given_up_at", moment, nullable=True),
        sa.CheckConstraint("sent_at IS NULL OR given_up_at IS NULL", name="mail_one_end"),
        sa.PrimaryKeyConstraint("id"),
    )
    waiting = sa.text("sent_at IS NULL AND given_up_at IS NULL")
    op.create_index("mail_due", "mail", ["next_try_at"], postgresql_where=waiting)
    op.create_index("mail_thing", "mail", ["thing", "recorded_at"])


def downgrade() -> None:
    for table in ("mail", "report_contact"):
        op.drop_table(table)
