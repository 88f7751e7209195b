"""An opinion goes through stages inside its department; the duties of a department are dated rows

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from kernel.migrations import append_only

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

APPEND_ONLY = ("review_step", "duty")


def upgrade() -> None:
    op.add_column("review", sa.Column("stage", sa.Text(), server_default="asked", nullable=False))
    op.add_column("review", sa.Column("draft", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("review", sa.Column("checked_by", sa.Text(), nullable=True))
    op.create_table(
        "review_step",
        sa.Column("review_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("remark", sa.Text(), nullable=True),
        sa.CheckConstraint("act IN ('draft','submit','pass','return','sign')", name="review_step_act"),
        sa.ForeignKeyConstraint(["review_id"], ["review.id"]),
        sa.PrimaryKeyConstraint("review_id", "no"),
    )
    op.create_table(
        "duty",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("function", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_name", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("way IN ('one_person','two_persons','three_persons')", name="duty_way"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("duty_of", "duty", ["org", "function", "valid_from"])
    op.execute("UPDATE review SET stage = 'answered' WHERE signed_by IS NOT NULL")
    # A draft stood where the answer stands; when it was written was not kept.
    op.execute(
        "WITH written AS (UPDATE review SET stage = 'draft', draft = jsonb_build_object('outcome', outcome, 'grounds',"
        " grounds, 'conditions', coalesce(conditions, '[]')), outcome = NULL, grounds = NULL, conditions = NULL"
        " WHERE signed_by IS NULL AND drafted_by IS NOT NULL AND outcome <> 'silent'"
        " RETURNING id, drafted_by, application_id)"
        " INSERT INTO review_step (review_id, no, act, person, name, at) SELECT w.id, 1, 'draft', w.drafted_by,"
        " w.drafted_by, a.touched_at FROM written w JOIN application a ON a.id = w.application_id"
    )
    op.create_check_constraint("review_check_duties", "review", "checked_by <> drafted_by")
    op.create_check_constraint("review_stage", "review", "stage IN ('asked','draft','check','sign','answered')")
    for statement in append_only("permits_app", APPEND_ONLY):
        op.execute(statement)


def downgrade() -> None:
    op.drop_constraint("review_stage", "review")
    op.drop_constraint("review_check_duties", "review")
    op.execute(
        "UPDATE review SET outcome = draft->>'outcome', grounds = draft->>'grounds', conditions = draft->'conditions'"
        " WHERE draft IS NOT NULL AND outcome IS NULL"
    )
    op.drop_table("duty")
    op.drop_table("review_step")
    for column in ("checked_by", "draft", "stage"):
        op.drop_column("review", column)
