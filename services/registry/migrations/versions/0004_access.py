"""Who may sign in for an organisation: accounts, steps towards the realm, findings and reviews."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from kernel.migrations import append_only

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
TEXTS = postgresql.ARRAY(sa.Text())
JSONB = postgresql.JSONB()


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("organisation_code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("capabilities", TEXTS, nullable=False),
        sa.Column("functions", TEXTS, nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("kept_at", MOMENT, nullable=True),
        sa.Column("invited", sa.Boolean(), nullable=False),
        sa.Column("secret_at", MOMENT, nullable=True),
        sa.Column("secret_request", sa.Uuid(), nullable=True),
        sa.Column("secret_ends", MOMENT, nullable=True),
        sa.Column("overlap_until", MOMENT, nullable=True),
        sa.Column("last_used", MOMENT, nullable=True),
        sa.Column("reviewed_at", MOMENT, nullable=True),
        sa.Column("reviewer", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('client', 'person')", name="account_kind"),
        sa.ForeignKeyConstraint(["organisation_code"], ["organisation.code"]),
        sa.PrimaryKeyConstraint("kind", "key"),
    )
    op.create_index("account_organisation", "account", ["organisation_code", "kind", "key"])
    op.create_table(
        "account_step",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("done_at", MOMENT, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["kind", "key"], ["account.kind", "account.key"], name="account_step_account"),
        sa.PrimaryKeyConstraint("id"),
    )
    due = sa.text("done_at IS NULL AND due_at IS NOT NULL")
    op.create_index("account_step_due", "account_step", ["due_at"], postgresql_where=due)
    op.create_index("account_step_account", "account_step", ["kind", "key", "id"])
    op.create_table(
        "account_finding",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("organisation_code", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("recorded", JSONB, nullable=True),
        sa.Column("held", JSONB, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("found_at", MOMENT, nullable=False),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.Column("settled", sa.Text(), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    still = sa.text("settled_at IS NULL")
    columns = ["kind", "key", "member"]
    op.create_index("account_finding_open", "account_finding", columns, unique=True, postgresql_where=still)
    op.create_table(
        "account_review",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("organisation_code", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("held", JSONB, nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("reviewed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("account_review_account", "account_review", ["kind", "key", "reviewed_at"])
    op.create_table(
        "account_look",
        sa.Column("realm", sa.Text(), nullable=False),
        sa.Column("looked_at", MOMENT, nullable=True),
        sa.Column("wanted_at", MOMENT, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("realm"),
    )
    for statement in append_only("registry_app", ["account_review"]):
        op.execute(statement)


def downgrade() -> None:
    for table in ("account_look", "account_review", "account_finding", "account_step", "account"):
        op.drop_table(table)
