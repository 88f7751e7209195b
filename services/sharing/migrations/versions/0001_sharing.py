"""Copies, agreements, shipped law and figures."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from kernel.migrations import append_only

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


CONTINUOUS = """
CREATE FUNCTION agreement_version_is_continuous() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE broken text;
BEGIN
  SELECT agreement_id::text INTO broken FROM (
    SELECT agreement_id, valid_to, lead(valid_from) OVER (PARTITION BY agreement_id ORDER BY valid_from) AS following
    FROM agreement_version
    WHERE recorded_to = 'infinity' AND agreement_id IN (SELECT agreement_id FROM fresh)
  ) span WHERE valid_to <> coalesce(following, 'infinity'::date) LIMIT 1;
  IF broken IS NOT NULL THEN
    RAISE EXCEPTION 'the versions of % have a gap or an overlap', broken USING ERRCODE = 'exclusion_violation';
  END IF;
  RETURN NULL;
END $$;
"""
CONTINUOUS_TRIGGER = """
CREATE TRIGGER agreement_version_continuous AFTER INSERT ON agreement_version
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION agreement_version_is_continuous();
"""
ONLY_CLOSE = """
CREATE FUNCTION version_only_closes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.recorded_to <> 'infinity' OR NEW.recorded_to = 'infinity' OR OLD.closed_no IS NOT NULL
     OR NEW.closed_no IS NULL
     OR to_jsonb(NEW) - 'recorded_to' - 'closed_no' <> to_jsonb(OLD) - 'recorded_to' - 'closed_no' THEN
    RAISE EXCEPTION 'a version is only ever closed' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
"""
ONLY_CLOSE_TRIGGER = """
CREATE TRIGGER agreement_version_only_closes BEFORE UPDATE ON agreement_version
  FOR EACH ROW EXECUTE FUNCTION version_only_closes();
"""
# Published definitions and plans never change either.
APPEND_ONLY = ["agreement_change", "definition", "plan", "target", "audit"]


def upgrade() -> None:
    op.create_table(
        "agreement_kind",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("title_vi", sa.String(), nullable=False),
        sa.Column("title_en", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("thing", sa.Text(), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("row_hash", sa.Text(), nullable=False),
        sa.Column("chain_no", sa.BigInteger(), nullable=True),
        sa.Column("chain_hash", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("chain_no"),
    )
    op.create_index("audit_thing", "audit", ["thing", "seq"], unique=False)
    op.create_index("audit_unsealed", "audit", ["seq"], unique=False, postgresql_where=sa.text("chain_no IS NULL"))
    op.create_table(
        "belief",
        sa.Column("thing", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("thing", "id", "no"),
    )
    op.create_table(
        "boundary_set",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("title_vi", sa.String(), nullable=False),
        sa.Column("title_en", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("reported", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "definition",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("code", "version"),
    )
    op.create_table(
        "heartbeat",
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("worker"),
    )
    op.create_table(
        "idempotency",
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("client", "key"),
    )
    op.create_index("idempotency_age", "idempotency", ["created_at"], unique=False)
    op.create_table(
        "inbox",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("stream", "id"),
    )
    op.create_table(
        "organisation_copy",
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("recorded_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_to", sa.DateTime(timezone=True), server_default=sa.text("'infinity'"), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("name_vi", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("short", sa.String(), server_default="", nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("legal_entity", sa.String(), nullable=False),
        sa.Column("successor", sa.String(), nullable=True),
        sa.CheckConstraint("recorded_from < recorded_to"),
        sa.CheckConstraint("valid_from < valid_to"),
        sa.PrimaryKeyConstraint("code", "no", "valid_from"),
    )
    op.create_table(
        "outbox",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("envelope", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("outbox_unsent", "outbox", ["seq"], unique=False, postgresql_where=sa.text("sent_at IS NULL"))
    op.create_table(
        "parked",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("stream_seq", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("redriven_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("stream", "stream_seq"),
    )
    op.create_table(
        "placement",
        sa.Column("declared", sa.String(), nullable=False),
        sa.Column("boundary_set", sa.String(), nullable=False),
        sa.Column("unit_id", sa.String(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("declared", "boundary_set"),
    )
    op.create_table(
        "plan",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("title_vi", sa.String(), nullable=False),
        sa.Column("title_en", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("boundary_set", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "ratio_series",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("definition_code", sa.String(), nullable=False),
        sa.Column("definition_version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("boundary_set", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("definition_code", "definition_version", "boundary_set"),
    )
    op.create_table(
        "station_copy",
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("recorded_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_to", sa.DateTime(timezone=True), server_default=sa.text("'infinity'"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("structure_id", sa.Uuid(), nullable=False),
        sa.Column("operator", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("technologies", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("evidence", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("recorded_from < recorded_to"),
        sa.CheckConstraint("valid_from < valid_to"),
        sa.PrimaryKeyConstraint("id", "no", "valid_from"),
    )
    op.create_index("station_copy_operator", "station_copy", ["operator"], unique=False)
    op.create_index("station_copy_structure", "station_copy", ["structure_id"], unique=False)
    op.create_table(
        "structure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("public_no", sa.String(), nullable=True),
        sa.Column("name", sa.String(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("structure_public_no", "structure", ["public_no"], unique=True)
    op.create_table(
        "structure_copy",
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("recorded_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_to", sa.DateTime(timezone=True), server_default=sa.text("'infinity'"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("code_system", sa.String(), nullable=True),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("height_m", sa.Numeric(precision=6, scale=2), nullable=True),
        sa.Column("lon", sa.Float(), nullable=True),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("commune", sa.String(), nullable=True),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("evidence", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("recorded_from < recorded_to"),
        sa.CheckConstraint("valid_from < valid_to"),
        sa.PrimaryKeyConstraint("id", "no", "valid_from"),
    )
    op.create_index("structure_copy_commune", "structure_copy", ["commune"], unique=False)
    op.create_index("structure_copy_owner", "structure_copy", ["owner"], unique=False)
    op.create_table(
        "unit_copy",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("parent", sa.String(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("boundary_sets", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("successors", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("unit_copy_parent", "unit_copy", ["parent"], unique=False)
    op.create_table(
        "watermark",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source"),
    )
    op.create_table(
        "agreement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("structure_id", sa.Uuid(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("last_no", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("owner <> tenant"),
        sa.ForeignKeyConstraint(
            ["structure_id"],
            ["structure.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("agreement_owner", "agreement", ["owner", "id"], unique=False)
    op.create_index("agreement_structure", "agreement", ["structure_id"], unique=False)
    op.create_index("agreement_tenant", "agreement", ["tenant", "id"], unique=False)
    op.create_table(
        "ratio_checkpoint",
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("den", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("num", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("stale", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["series_id"],
            ["ratio_series.id"],
        ),
        sa.PrimaryKeyConstraint("series_id", "known_to", "valid_to"),
    )
    op.create_table(
        "ratio_delta",
        sa.Column("structure_id", sa.Uuid(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("v", sa.Date(), nullable=False),
        sa.Column("r", sa.DateTime(timezone=True), nullable=False),
        sa.Column("g", sa.Integer(), nullable=False),
        sa.Column("den", sa.Integer(), nullable=False),
        sa.Column("num", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["series_id"],
            ["ratio_series.id"],
        ),
        sa.PrimaryKeyConstraint("structure_id", "series_id", "v", "r", "g"),
    )
    op.create_index(
        "ratio_delta_r", "ratio_delta", ["series_id", "r", "v"], unique=False, postgresql_include=["g", "den", "num"]
    )
    op.create_index(
        "ratio_delta_v", "ratio_delta", ["series_id", "v", "r"], unique=False, postgresql_include=["g", "den", "num"]
    )
    op.create_table(
        "ratio_group",
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("g", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["series_id"],
            ["ratio_series.id"],
        ),
        sa.PrimaryKeyConstraint("series_id", "g"),
        sa.UniqueConstraint("series_id", "unit_id", "owner_id"),
    )
    op.create_table(
        "ratio_span",
        sa.Column("structure_id", sa.Uuid(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("recorded_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("recorded_to", sa.DateTime(timezone=True), nullable=False),
        sa.Column("g", sa.Integer(), nullable=False),
        sa.Column("public_no", sa.String(), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("sharers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["series_id"],
            ["ratio_series.id"],
        ),
        sa.PrimaryKeyConstraint("structure_id", "series_id", "valid_from", "recorded_from"),
    )
    op.create_index(
        "ratio_span_list",
        "ratio_span",
        ["series_id", "public_no", "structure_id"],
        unique=False,
        postgresql_include=["valid_from", "valid_to", "recorded_from", "recorded_to", "counted", "shared"],
    )
    op.create_table(
        "target",
        sa.Column("plan", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("is_base", sa.Boolean(), nullable=False),
        sa.Column("percent", sa.Numeric(precision=7, scale=4), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan"],
            ["plan.code"],
        ),
        sa.PrimaryKeyConstraint("plan", "kind", "due_on", "is_base"),
    )
    op.create_table(
        "agreement_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agreement_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), server_default=sa.text("'infinity'"), nullable=False),
        sa.Column("patch", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("evidence", sa.SmallInteger(), nullable=False),
        sa.Column("evidence_ref", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.Column("corrects", sa.Uuid(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("org", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("valid_from < valid_to"),
        sa.ForeignKeyConstraint(
            ["agreement_id"],
            ["agreement.id"],
        ),
        sa.ForeignKeyConstraint(
            ["corrects"],
            ["agreement_change.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("agreement_id", "no"),
        sa.UniqueConstraint("corrects"),
    )
    op.create_table(
        "agreement_version",
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("recorded_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_to", sa.DateTime(timezone=True), server_default=sa.text("'infinity'"), nullable=False),
        sa.Column("agreement_id", sa.Uuid(), nullable=False),
        sa.Column("opened_no", sa.Integer(), nullable=False),
        sa.Column("closed_no", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("document_sha256", sa.String(), nullable=False),
        sa.Column("evidence", sa.SmallInteger(), nullable=False),
        sa.Column("sources", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("recorded_from < recorded_to"),
        sa.CheckConstraint("valid_from < valid_to"),
        sa.ForeignKeyConstraint(
            ["agreement_id"],
            ["agreement.id"],
        ),
        sa.PrimaryKeyConstraint("agreement_id", "opened_no", "valid_from"),
    )
    op.create_index(
        "agreement_version_open",
        "agreement_version",
        ["agreement_id", "valid_from"],
        unique=True,
        postgresql_where=sa.text("recorded_to = 'infinity'"),
    )

    for statement in (CONTINUOUS, CONTINUOUS_TRIGGER, ONLY_CLOSE, ONLY_CLOSE_TRIGGER):
        op.execute(statement)
    for statement in append_only("sharing_app", APPEND_ONLY, {"audit": "chain_no, chain_hash"}):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TRIGGER agreement_version_continuous ON agreement_version")
    op.execute("DROP TRIGGER agreement_version_only_closes ON agreement_version")
    op.execute("DROP FUNCTION agreement_version_is_continuous")
    op.execute("DROP FUNCTION version_only_closes")
    op.drop_index(
        "agreement_version_open", table_name="agreement_version", postgresql_where=sa.text("recorded_to = 'infinity'")
    )
    op.drop_table("agreement_version")
    op.drop_table("agreement_change")
    op.drop_table("target")
    op.drop_index(
        "ratio_span_list",
        table_name="ratio_span",
        postgresql_include=["valid_from", "valid_to", "recorded_from", "recorded_to", "counted", "shared"],
    )
    op.drop_table("ratio_span")
    op.drop_table("ratio_group")
    op.drop_index("ratio_delta_v", table_name="ratio_delta", postgresql_include=["g", "den", "num"])
    op.drop_index("ratio_delta_r", table_name="ratio_delta", postgresql_include=["g", "den", "num"])
    op.drop_table("ratio_delta")
    op.drop_table("ratio_checkpoint")
    op.drop_index("agreement_tenant", table_name="agreement")
    op.drop_index("agreement_structure", table_name="agreement")
    op.drop_index("agreement_owner", table_name="agreement")
    op.drop_table("agreement")
    op.drop_table("watermark")
    op.drop_index("unit_copy_parent", table_name="unit_copy")
    op.drop_table("unit_copy")
    op.drop_index("structure_copy_owner", table_name="structure_copy")
    op.drop_index("structure_copy_commune", table_name="structure_copy")
    op.drop_table("structure_copy")
    op.drop_index("structure_public_no", table_name="structure")
    op.drop_table("structure")
    op.drop_index("station_copy_structure", table_name="station_copy")
    op.drop_index("station_copy_operator", table_name="station_copy")
    op.drop_table("station_copy")
    op.drop_table("ratio_series")
    op.drop_table("plan")
    op.drop_table("placement")
    op.drop_table("parked")
    op.drop_index("outbox_unsent", table_name="outbox", postgresql_where=sa.text("sent_at IS NULL"))
    op.drop_table("outbox")
    op.drop_table("organisation_copy")
    op.drop_table("inbox")
    op.drop_index("idempotency_age", table_name="idempotency")
    op.drop_table("idempotency")
    op.drop_table("heartbeat")
    op.drop_table("definition")
    op.drop_table("boundary_set")
    op.drop_table("belief")
    op.drop_index("audit_unsealed", table_name="audit", postgresql_where=sa.text("chain_no IS NULL"))
    op.drop_index("audit_thing", table_name="audit")
    op.drop_table("audit")
    op.drop_table("agreement_kind")
