"""Imports as jobs: file, columns, rows, and the columns that an organisation chose before

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
        "import_job",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("actor", postgresql.JSONB(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("changed_at", _MOMENT, nullable=False),
        sa.Column("finished_at", _MOMENT),
        sa.Column("on_duplicate", sa.Text(), nullable=False),
        sa.Column("reading", postgresql.JSONB(), nullable=False),
        sa.Column("columns", postgresql.JSONB(), nullable=False),
        sa.Column("suspected", sa.Text()),
        sa.Column("sheets", postgresql.JSONB(), nullable=False),
        sa.Column("notes", postgresql.JSONB(), nullable=False),
        sa.Column("zone", sa.Text()),
        sa.Column("defaults", postgresql.JSONB(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("done_no", sa.Integer(), nullable=False),
        sa.Column("error", postgresql.JSONB()),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("import_job_list", "import_job", ["org", "created_at", "id"])
    op.create_index(
        "import_job_due",
        "import_job",
        ["created_at"],
        postgresql_where=sa.text("state IN ('received', 'checking', 'running')"),
    )
    op.create_table(
        "import_part",
        sa.Column("job_id", sa.Uuid(), sa.ForeignKey("import_job.id"), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("length(bytes) <= 1048576", name="import_part_size"),
        sa.PrimaryKeyConstraint("job_id", "no"),
    )
    op.create_table(
        "import_row",
        sa.Column("job_id", sa.Uuid(), sa.ForeignKey("import_job.id"), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text()),
        sa.Column("key", sa.Text()),
        sa.Column("facts", postgresql.JSONB()),
        sa.Column("valid_from", sa.Date()),
        sa.Column("evidence", sa.SmallInteger()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("structure_id", sa.Uuid()),
        sa.Column("public_no", sa.Text()),
        sa.Column("faults", postgresql.JSONB()),
        sa.Column("near", postgresql.JSONB()),
        sa.Column("decision", sa.Text()),
        sa.PrimaryKeyConstraint("job_id", "no"),
    )
    op.create_index("import_row_plan", "import_row", ["job_id", "plan", "no"])
    op.create_index("import_row_key", "import_row", ["job_id", "key"], postgresql_where=sa.text("key IS NOT NULL"))
    op.create_table(
        "import_mapping",
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("fields", postgresql.JSONB(), nullable=False),
        sa.Column("zone", sa.Text()),
        sa.Column("defaults", postgresql.JSONB(), nullable=False),
        sa.Column("used_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("org", "kind", "signature"),
    )


def downgrade() -> None:
    for name in ("import_mapping", "import_row", "import_part", "import_job"):
        op.drop_table(name)
