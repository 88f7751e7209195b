"""Conditions have a structure, are followed after the decision, and come from a library of phrases

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

_BLANK = "jsonb_build_object('kind',NULL,'subject',NULL,'value',NULL,'evidence',NULL,'verifier',NULL,'of','[]'::jsonb)"
_WHOLE = f"(SELECT jsonb_agg({_BLANK} || e ORDER BY n) FROM jsonb_array_elements(conditions) WITH ORDINALITY x(e, n))"


def upgrade() -> None:
    op.create_table(
        "decision_condition",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("verifier", sa.Text(), nullable=False),
        sa.Column("verifier_org", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.Column("remark", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_name", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('open','submitted','met','rejected','waived')", name="decision_condition_state"),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"]),
        sa.ForeignKeyConstraint(["file_id"], ["file.id"]),
        sa.PrimaryKeyConstraint("application_id", "no"),
    )
    op.create_index("decision_condition_file", "decision_condition", ["file_id"])
    op.create_index(
        "decision_condition_due",
        "decision_condition",
        ["due_on"],
        postgresql_where=sa.text("state IN ('open','submitted','rejected')"),
    )
    op.create_table(
        "phrase",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("function", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), server_default=sa.text("'infinity'"), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('condition','ground')", name="phrase_kind"),
        sa.CheckConstraint("valid_from < valid_to", name="phrase_validity"),
        sa.PrimaryKeyConstraint("kind", "code", "no"),
    )
    for table in ("review", "decision"):
        op.execute(f"UPDATE {table} SET conditions = {_WHOLE} WHERE jsonb_array_length(conditions) > 0")
    op.execute(
        "UPDATE review r SET draft = jsonb_set(draft, '{conditions}', (SELECT jsonb_agg("
        f"{_BLANK} || e ORDER BY n) FROM jsonb_array_elements(draft->'conditions') WITH ORDINALITY x(e, n)))"
        " WHERE jsonb_array_length(draft->'conditions') > 0"
    )
    op.execute(
        "INSERT INTO decision_condition (application_id, no, due_on, verifier, verifier_org, state, changed_at,"
        " changed_by, changed_name) SELECT d.application_id, x.n, CAST(x.e->>'due_on' AS date), a.lead_function,"
        " a.lead_org, 'open', a.touched_at, d.decided_by, d.decided_name FROM decision d JOIN application a"
        " ON a.id = d.application_id JOIN procedure_version p ON p.id = a.procedure_version_id"
        " CROSS JOIN LATERAL jsonb_array_elements(d.conditions) WITH ORDINALITY x(e, n)"
        " WHERE p.body->'may_build' ? d.outcome"
    )
    for statement in append_only("permits_app", ("phrase",)):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("phrase")
    op.drop_table("decision_condition")
