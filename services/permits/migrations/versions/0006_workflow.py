"""The whole workflow: drafts of law, stages of a review, conditions, consents, people, messages, what is told to whom

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from kernel.migrations import append_only

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

APPEND_ONLY = ("message", "phrase")


def upgrade() -> None:
    op.create_table(
        "deputy",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("person_name", sa.Text(), nullable=False),
        sa.Column("deputy", sa.Text(), nullable=False),
        sa.Column("deputy_name", sa.Text(), nullable=False),
        sa.Column("capabilities", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("functions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.CheckConstraint("person <> deputy", name="deputy_other"),
        sa.CheckConstraint("valid_from < valid_to", name="deputy_validity"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("deputy_of", "deputy", ["deputy", "valid_to"], unique=False)
    op.create_table(
        "law_draft",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("drafted_by", sa.Text(), nullable=False),
        sa.Column("drafted_name", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_id", sa.Uuid(), nullable=True),
        sa.Column("published_by", sa.Text(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('procedure','calendar')", name="law_draft_kind"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("law_draft_list", "law_draft", ["kind", "id"], unique=False)
    op.create_table(
        "officer",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("capabilities", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("functions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("officer_org", "officer", ["org"], unique=False)
    op.create_table(
        "phrase",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("function", sa.Text(), nullable=True),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), server_default=sa.text("'infinity'"), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", "code", "no"),
    )
    op.create_table(
        "preference",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("mail", sa.Text(), nullable=False),
        sa.Column("quiet", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("mail IN ('at_once','digest','off')", name="preference_mail"),
        sa.PrimaryKeyConstraint("person"),
    )
    op.create_table(
        "consent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("function", sa.Text(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), server_default=sa.text("'infinity'"), nullable=False),
        sa.Column("max_height_m", sa.Numeric(precision=6, scale=2), nullable=True),
        sa.Column("max_top_m", sa.Numeric(precision=6, scale=2), nullable=True),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.id"],
        ),
        sa.ForeignKeyConstraint(
            ["file_id"],
            ["file.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("consent_application", "consent", ["application_id", "function"], unique=False)
    op.create_table(
        "decision_condition",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("function", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.Column("verifier", sa.Text(), nullable=False),
        sa.Column("verifier_org", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.Column("remark", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('open','submitted','met','rejected','waived')", name="decision_condition_state"),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.id"],
        ),
        sa.ForeignKeyConstraint(
            ["file_id"],
            ["file.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("application_id", "no"),
    )
    op.create_index(
        "decision_condition_due",
        "decision_condition",
        ["due_on"],
        unique=False,
        postgresql_where=sa.text("state IN ('open','submitted','rejected')"),
    )
    op.create_table(
        "message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("function", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("mentions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("audience IN ('applicant','officers','department')", name="message_audience"),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.id"],
        ),
        sa.ForeignKeyConstraint(
            ["file_id"],
            ["file.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("message_thread", "message", ["application_id", "at", "id"], unique=False)
    op.create_table(
        "notification",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("once", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=True),
        sa.Column("params", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mail", sa.Text(), nullable=False),
        sa.Column("mail_tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("mail_next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mail_error", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mail IN ('none','waiting','digest','sent','failed')", name="notification_mail"),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("person", "once"),
    )
    op.create_index(
        "notification_inbox",
        "notification",
        ["person", sa.literal_column("at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "notification_mail_queue",
        "notification",
        ["at"],
        unique=False,
        postgresql_where=sa.text("mail IN ('waiting','digest')"),
    )
    op.create_table(
        "routing_choice",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("function", sa.Text(), nullable=False),
        sa.Column("asked", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("chosen_by", sa.Text(), nullable=False),
        sa.Column("chosen_name", sa.Text(), nullable=False),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.id"],
        ),
        sa.PrimaryKeyConstraint("application_id", "function"),
    )
    op.create_table(
        "share_option",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("site_no", sa.Integer(), nullable=False),
        sa.Column("structure_id", sa.Uuid(), nullable=False),
        sa.Column("public_no", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("lon", sa.Float(), nullable=False),
        sa.Column("lat", sa.Float(), nullable=False),
        sa.Column("distance_m", sa.Float(), nullable=False),
        sa.Column("height_m", sa.Numeric(precision=6, scale=2), nullable=True),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("free", sa.Integer(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.id"],
        ),
        sa.PrimaryKeyConstraint("application_id", "site_no", "structure_id"),
    )
    op.add_column("application", sa.Column("lead_function", sa.Text(), nullable=True))
    op.add_column("application", sa.Column("subject_id", sa.Uuid(), nullable=True))
    op.add_column("application", sa.Column("options_asked_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f("ix_application_subject_id"), "application", ["subject_id"], unique=False)
    op.create_foreign_key("application_subject", "application", "application", ["subject_id"], ["id"])
    op.add_column("decision", sa.Column("start_by", sa.Date(), nullable=True))
    op.add_column("decision", sa.Column("extended", sa.Integer(), server_default="0", nullable=False))
    op.add_column("decision", sa.Column("lapsed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f("ix_decision_start_by"), "decision", ["start_by"], unique=False)
    op.add_column("review", sa.Column("stage", sa.Text(), server_default="asked", nullable=False))
    op.add_column("review", sa.Column("ask_reason", sa.Text(), nullable=True))
    op.add_column("review", sa.Column("cancel_reason", sa.Text(), nullable=True))
    op.add_column("review", sa.Column("drafted_name", sa.Text(), nullable=True))
    op.add_column("review", sa.Column("checked_by", sa.Text(), nullable=True))
    op.add_column("review", sa.Column("checked_name", sa.Text(), nullable=True))
    op.add_column("review", sa.Column("returned", sa.Text(), nullable=True))
    op.add_column("review", sa.Column("signed_for", sa.Text(), nullable=True))
    op.add_column("supplement_request", sa.Column("kind", sa.Text(), server_default="parts", nullable=False))
    op.add_column("supplement_request", sa.Column("sent_name", sa.Text(), nullable=True))
    op.add_column("supplement_request", sa.Column("lapsed_on", sa.Date(), nullable=True))
    op.execute(
        "UPDATE application a SET lead_function = p.body->>'lead' FROM procedure_version p"
        " WHERE p.id = a.procedure_version_id"
    )
    op.alter_column("application", "lead_function", nullable=False)
    op.execute(
        "UPDATE review SET stage = CASE WHEN signed_by IS NOT NULL THEN 'answered' WHEN drafted_by IS NOT NULL"
        " THEN 'sign' ELSE 'asked' END"
    )
    # A later dossier, such as an adjustment, is about the same structure.
    op.drop_constraint("application_site_structure_id_key", "application_site")
    op.create_index("application_site_structure", "application_site", ["structure_id"])
    op.create_index("application_site_place", "application_site", [sa.text("point(lon, lat)")], postgresql_using="gist")
    op.create_check_constraint("review_check_duties", "review", "checked_by <> drafted_by")
    op.create_check_constraint(
        "review_stage", "review", "stage IN ('asked','draft','check','sign','answered','cancelled')"
    )
    for statement in append_only("permits_app", APPEND_ONLY, {}):
        op.execute(statement)


def downgrade() -> None:
    op.drop_index("application_site_place", "application_site")
    op.drop_index("application_site_structure", "application_site")
    op.create_unique_constraint("application_site_structure_id_key", "application_site", ["structure_id"])
    op.drop_constraint("review_stage", "review")
    op.drop_constraint("review_check_duties", "review")
    op.drop_column("supplement_request", "lapsed_on")
    op.drop_column("supplement_request", "sent_name")
    op.drop_column("supplement_request", "kind")
    op.drop_column("review", "signed_for")
    op.drop_column("review", "returned")
    op.drop_column("review", "checked_name")
    op.drop_column("review", "checked_by")
    op.drop_column("review", "drafted_name")
    op.drop_column("review", "cancel_reason")
    op.drop_column("review", "ask_reason")
    op.drop_column("review", "stage")
    op.drop_index(op.f("ix_decision_start_by"), table_name="decision")
    op.drop_column("decision", "lapsed_at")
    op.drop_column("decision", "extended")
    op.drop_column("decision", "start_by")
    op.drop_constraint("application_subject", "application", type_="foreignkey")
    op.drop_index(op.f("ix_application_subject_id"), table_name="application")
    op.drop_column("application", "options_asked_at")
    op.drop_column("application", "subject_id")
    op.drop_column("application", "lead_function")
    op.drop_table("share_option")
    op.drop_table("routing_choice")
    op.drop_index(
        "notification_mail_queue", table_name="notification", postgresql_where=sa.text("mail IN ('waiting','digest')")
    )
    op.drop_index("notification_inbox", table_name="notification")
    op.drop_table("notification")
    op.drop_index("message_thread", table_name="message")
    op.drop_table("message")
    op.drop_index(
        "decision_condition_due",
        table_name="decision_condition",
        postgresql_where=sa.text("state IN ('open','submitted','rejected')"),
    )
    op.drop_table("decision_condition")
    op.drop_index("consent_application", table_name="consent")
    op.drop_table("consent")
    op.drop_table("preference")
    op.drop_table("phrase")
    op.drop_index("officer_org", table_name="officer")
    op.drop_table("officer")
    op.drop_index("law_draft_list", table_name="law_draft")
    op.drop_table("law_draft")
    op.drop_index("deputy_of", table_name="deputy")
    op.drop_table("deputy")
