"""People, what they are told and how, messages about a dossier, mail

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from kernel.migrations import append_only

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = ("mail", "message", "notification", "preference", "person", "told")


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    json = postgresql.JSONB(astext_type=sa.Text())
    op.create_table(
        "told",
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("reader"),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("capabilities", json, nullable=False),
        sa.Column("functions", json, nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("seen_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("person_org", "person", ["org"])
    op.create_table(
        "preference",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("mail", sa.Text(), nullable=False),
        sa.Column("quiet", json, nullable=False),
        sa.Column("digest_on", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", moment, nullable=False),
        sa.CheckConstraint("mail IN ('at_once','digest','off')", name="preference_mail"),
        sa.PrimaryKeyConstraint("person"),
    )
    op.create_table(
        "notification",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("once", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("params", json, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("read_at", moment, nullable=True),
        sa.Column("mail", sa.Text(), nullable=False),
        sa.CheckConstraint("mail IN ('none','at_once','digest')", name="notification_mail_when"),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("person", "once"),
    )
    newest = ["person", sa.literal_column("at DESC"), sa.literal_column("id DESC")]
    op.create_index("notification_inbox", "notification", newest)
    op.create_index("notification_unread", "notification", ["person"], postgresql_where=sa.text("read_at IS NULL"))
    open_mail = sa.text("mail <> 'none'")
    op.create_index("notification_mail", "notification", ["mail", "person"], postgresql_where=open_mail)
    op.create_table(
        "message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.CheckConstraint("audience IN ('applicant','officers','department')", name="message_audience"),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("message_thread", "message", ["application_id", "at", "id"])
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
    op.add_column("deadline", sa.Column("reminded_for", sa.Date(), nullable=True))
    op.add_column("deadline", sa.Column("escalated_for", sa.Date(), nullable=True))
    op.create_index("deadline_due", "deadline", ["due_on"], postgresql_where=sa.text("state = 'running'"))
    # Whoever comes now is not told what happened before.
    op.execute("INSERT INTO told (reader, position) SELECT 'people', coalesce(max(position), 0) FROM outbox")
    for statement in append_only("permits_app", ("message",)):
        op.execute(statement)


def downgrade() -> None:
    op.drop_index("deadline_due", "deadline")
    op.drop_column("deadline", "escalated_for")
    op.drop_column("deadline", "reminded_for")
    for table in TABLES:
        op.drop_table(table)
