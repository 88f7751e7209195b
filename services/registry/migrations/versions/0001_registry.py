"""The registry on its final model: logs, versions, units, organisations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from kernel.migrations import append_only
from services.registry.tables import Point

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

CONTINUOUS = """
CREATE FUNCTION {name}_is_continuous() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE broken text;
BEGIN
  SELECT key::text INTO broken FROM (
    SELECT {key} AS key, valid_to, lead(valid_from) OVER (PARTITION BY {key} ORDER BY valid_from) AS following
    FROM {name} WHERE recorded_to = 'infinity' AND {key} IN (SELECT {key} FROM fresh)
  ) span WHERE valid_to <> coalesce(following, 'infinity'::date) LIMIT 1;
  IF broken IS NOT NULL THEN
    RAISE EXCEPTION 'the versions of % have a gap or an overlap', broken USING ERRCODE = 'exclusion_violation';
  END IF;
  RETURN NULL;
END $$;
"""
CONTINUOUS_TRIGGER = """
CREATE TRIGGER {name}_continuous AFTER INSERT ON {name}
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION {name}_is_continuous();
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
CREATE TRIGGER {name}_only_closes BEFORE UPDATE ON {name} FOR EACH ROW EXECUTE FUNCTION version_only_closes();
"""
VERSIONS = {"structure": "structure_id", "station": "station_id", "organisation": "organisation_code"}


def guard() -> None:
    op.execute(ONLY_CLOSE)
    for thing, key in VERSIONS.items():
        name = f"{thing}_version"
        op.execute(CONTINUOUS.format(name=name, key=key))
        op.execute(CONTINUOUS_TRIGGER.format(name=name))
        op.execute(ONLY_CLOSE_TRIGGER.format(name=name))
    logs = [f"{thing}_change" for thing in VERSIONS]
    for statement in append_only("registry_app", [*logs, "audit"], {"audit": "chain_no, chain_hash"}):
        op.execute(statement)
    op.execute("INSERT INTO number_series (series, last) VALUES ('mast', 0), ('pole', 0), ('duct', 0)")


def unguard() -> None:
    for thing in VERSIONS:
        op.execute(f"DROP TRIGGER {thing}_version_continuous ON {thing}_version")
        op.execute(f"DROP FUNCTION {thing}_version_is_continuous")
        op.execute(f"DROP TRIGGER {thing}_version_only_closes ON {thing}_version")
    op.execute("DROP FUNCTION version_only_closes")


def upgrade() -> None:
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
        "boundary_set",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("title", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("code"),
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
        "number_series",
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("series"),
    )
    op.create_table(
        "organisation",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("last_no", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("code"),
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
        "publication",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", "version"),
    )
    op.create_table(
        "structure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("public_no", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=True),
        sa.Column("last_no", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("public_no"),
    )
    op.create_table(
        "unit",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("boundary_sets", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("lon", sa.Float(), nullable=True),
        sa.Column("area_km2", sa.Float(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("name_fold", sa.Text(collation="C"), nullable=False),
        sa.Column("sort_key", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["unit.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_unit_code"), "unit", ["code"], unique=False)
    op.create_index(op.f("ix_unit_parent_id"), "unit", ["parent_id"], unique=False)
    op.create_index("unit_sets", "unit", ["boundary_sets"], unique=False, postgresql_using="gin")
    op.create_table(
        "watermark",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source"),
    )
    op.create_table(
        "boundary",
        sa.Column("unit_id", sa.Text(), nullable=False),
        sa.Column("boundary_set", sa.Text(), nullable=False),
        sa.Column("geometry", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("west", sa.Float(), nullable=False),
        sa.Column("south", sa.Float(), nullable=False),
        sa.Column("east", sa.Float(), nullable=False),
        sa.Column("north", sa.Float(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["boundary_set"],
            ["boundary_set.code"],
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"],
            ["unit.id"],
        ),
        sa.PrimaryKeyConstraint("unit_id", "boundary_set"),
    )
    op.create_table(
        "mandate",
        sa.Column("function", sa.Text(), nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("organisation_code", sa.Text(), nullable=False),
        sa.Column("valid_to", sa.Date(), server_default=sa.text("'infinity'"), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.CheckConstraint("valid_from < valid_to", name="mandate_days"),
        sa.ForeignKeyConstraint(
            ["organisation_code"],
            ["organisation.code"],
        ),
        sa.PrimaryKeyConstraint("function", "area", "valid_from", "organisation_code"),
    )
    op.create_table(
        "organisation_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_code", sa.Text(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), server_default=sa.text("'infinity'"), nullable=False),
        sa.Column("patch", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("evidence", sa.SmallInteger(), nullable=False),
        sa.Column("evidence_ref", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("corrects", sa.Uuid(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("valid_from < valid_to", name="organisation_change_days"),
        sa.ForeignKeyConstraint(
            ["corrects"],
            ["organisation_change.id"],
        ),
        sa.ForeignKeyConstraint(
            ["organisation_code"],
            ["organisation.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("corrects"),
        sa.UniqueConstraint("organisation_code", "no", name="organisation_change_no"),
    )
    op.create_table(
        "organisation_version",
        sa.Column("organisation_code", sa.Text(), nullable=False),
        sa.Column("opened_no", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("closed_no", sa.Integer(), nullable=True),
        sa.Column("valid_to", sa.Date(), server_default=sa.text("'infinity'"), nullable=False),
        sa.Column("recorded_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_to", sa.DateTime(timezone=True), server_default=sa.text("'infinity'"), nullable=False),
        sa.Column("name_vi", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("short", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("legal_entity", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("successor", sa.Text(), nullable=True),
        sa.Column("name_fold", sa.Text(collation="C"), nullable=False),
        sa.Column("sort_key", sa.Text(collation="C"), nullable=False),
        sa.Column("sources", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("recorded_from < recorded_to", name="organisation_version_recorded"),
        sa.CheckConstraint("valid_from < valid_to", name="organisation_version_days"),
        sa.ForeignKeyConstraint(
            ["organisation_code"],
            ["organisation.code"],
        ),
        sa.PrimaryKeyConstraint("organisation_code", "opened_no", "valid_from"),
    )
    op.create_index(
        "organisation_version_open",
        "organisation_version",
        ["organisation_code", "valid_from"],
        unique=True,
        postgresql_where=sa.text("recorded_to = 'infinity'::timestamptz"),
    )
    op.create_table(
        "placement",
        sa.Column("structure_id", sa.Uuid(), nullable=False),
        sa.Column("declared_id", sa.Text(), nullable=False),
        sa.Column("boundary_set", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["boundary_set"],
            ["boundary_set.code"],
        ),
        sa.ForeignKeyConstraint(
            ["declared_id"],
            ["unit.id"],
        ),
        sa.ForeignKeyConstraint(
            ["structure_id"],
            ["structure.id"],
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"],
            ["unit.id"],
        ),
        sa.PrimaryKeyConstraint("structure_id", "declared_id", "boundary_set"),
    )
    op.create_index("placement_unit", "placement", ["unit_id", "structure_id"], unique=False)
    op.create_table(
        "station",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("structure_id", sa.Uuid(), nullable=False),
        sa.Column("last_no", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["structure_id"],
            ["structure.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_station_structure_id"), "station", ["structure_id"], unique=False)
    op.create_table(
        "structure_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("structure_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), server_default=sa.text("'infinity'"), nullable=False),
        sa.Column("patch", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("evidence", sa.SmallInteger(), nullable=False),
        sa.Column("evidence_ref", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("corrects", sa.Uuid(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("valid_from < valid_to", name="structure_change_days"),
        sa.ForeignKeyConstraint(
            ["corrects"],
            ["structure_change.id"],
        ),
        sa.ForeignKeyConstraint(
            ["structure_id"],
            ["structure.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("corrects"),
        sa.UniqueConstraint("structure_id", "no", name="structure_change_no"),
    )
    op.create_table(
        "structure_version",
        sa.Column("structure_id", sa.Uuid(), nullable=False),
        sa.Column("opened_no", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("closed_no", sa.Integer(), nullable=True),
        sa.Column("valid_to", sa.Date(), server_default=sa.text("'infinity'"), nullable=False),
        sa.Column("recorded_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_to", sa.DateTime(timezone=True), server_default=sa.text("'infinity'"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("code_system", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("height_m", sa.Numeric(precision=6, scale=2), nullable=True),
        sa.Column("point", Point(), nullable=True),
        sa.Column("commune_id", sa.Text(), nullable=True),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("name_fold", sa.Text(collation="C"), nullable=False),
        sa.Column("sort_key", sa.Text(collation="C"), nullable=False),
        sa.Column("attributes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sources", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("evidence", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("recorded_from < recorded_to", name="structure_version_recorded"),
        sa.CheckConstraint("valid_from < valid_to", name="structure_version_days"),
        sa.ForeignKeyConstraint(
            ["structure_id"],
            ["structure.id"],
        ),
        sa.PrimaryKeyConstraint("structure_id", "opened_no", "valid_from"),
    )
    op.create_index(
        "structure_version_commune",
        "structure_version",
        ["kind", "commune_id", "sort_key", "structure_id"],
        unique=False,
        postgresql_include=["valid_from", "valid_to", "recorded_from", "recorded_to"],
    )
    op.create_index(
        "structure_version_open",
        "structure_version",
        ["structure_id", "valid_from"],
        unique=True,
        postgresql_where=sa.text("recorded_to = 'infinity'::timestamptz"),
    )
    op.create_index(
        "structure_version_order",
        "structure_version",
        ["kind", "sort_key", "structure_id"],
        unique=False,
        postgresql_include=["valid_from", "valid_to", "recorded_from", "recorded_to"],
    )
    op.create_index(
        "structure_version_owner",
        "structure_version",
        ["kind", "owner_id", "sort_key", "structure_id"],
        unique=False,
        postgresql_include=["valid_from", "valid_to", "recorded_from", "recorded_to"],
    )
    op.create_index("structure_version_point", "structure_version", ["point"], unique=False, postgresql_using="gist")
    op.create_index(
        "structure_version_words",
        "structure_version",
        [sa.literal_column("to_tsvector('simple'::regconfig, name_fold)")],
        unique=False,
        postgresql_using="gin",
    )
    op.create_table(
        "unit_placement",
        sa.Column("declared_id", sa.Text(), nullable=False),
        sa.Column("boundary_set", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["boundary_set"],
            ["boundary_set.code"],
        ),
        sa.ForeignKeyConstraint(
            ["declared_id"],
            ["unit.id"],
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"],
            ["unit.id"],
        ),
        sa.PrimaryKeyConstraint("declared_id", "boundary_set"),
    )
    op.create_table(
        "unit_succession",
        sa.Column("unit_id", sa.Text(), nullable=False),
        sa.Column("successor_id", sa.Text(), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("share", sa.Float(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["successor_id"],
            ["unit.id"],
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"],
            ["unit.id"],
        ),
        sa.PrimaryKeyConstraint("unit_id", "successor_id"),
    )
    op.create_table(
        "station_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("station_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), server_default=sa.text("'infinity'"), nullable=False),
        sa.Column("patch", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("evidence", sa.SmallInteger(), nullable=False),
        sa.Column("evidence_ref", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("corrects", sa.Uuid(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("valid_from < valid_to", name="station_change_days"),
        sa.ForeignKeyConstraint(
            ["corrects"],
            ["station_change.id"],
        ),
        sa.ForeignKeyConstraint(
            ["station_id"],
            ["station.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("corrects"),
        sa.UniqueConstraint("station_id", "no", name="station_change_no"),
    )
    op.create_table(
        "station_version",
        sa.Column("station_id", sa.Uuid(), nullable=False),
        sa.Column("opened_no", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("closed_no", sa.Integer(), nullable=True),
        sa.Column("valid_to", sa.Date(), server_default=sa.text("'infinity'"), nullable=False),
        sa.Column("recorded_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_to", sa.DateTime(timezone=True), server_default=sa.text("'infinity'"), nullable=False),
        sa.Column("structure_id", sa.Uuid(), nullable=False),
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("technologies", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("attributes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sources", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("evidence", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("recorded_from < recorded_to", name="station_version_recorded"),
        sa.CheckConstraint("valid_from < valid_to", name="station_version_days"),
        sa.ForeignKeyConstraint(
            ["station_id"],
            ["station.id"],
        ),
        sa.PrimaryKeyConstraint("station_id", "opened_no", "valid_from"),
    )
    op.create_index(
        "station_version_open",
        "station_version",
        ["station_id", "valid_from"],
        unique=True,
        postgresql_where=sa.text("recorded_to = 'infinity'::timestamptz"),
    )
    op.create_index("station_version_operator", "station_version", ["operator_id", "station_id"], unique=False)
    op.create_index("station_version_structure", "station_version", ["structure_id", "valid_from"], unique=False)
    guard()


def downgrade() -> None:
    unguard()
    op.drop_index("station_version_structure", table_name="station_version")
    op.drop_index("station_version_operator", table_name="station_version")
    op.drop_index(
        "station_version_open",
        table_name="station_version",
        postgresql_where=sa.text("recorded_to = 'infinity'::timestamptz"),
    )
    op.drop_table("station_version")
    op.drop_table("station_change")
    op.drop_table("unit_succession")
    op.drop_table("unit_placement")
    op.drop_index("structure_version_words", table_name="structure_version", postgresql_using="gin")
    op.drop_index("structure_version_point", table_name="structure_version", postgresql_using="gist")
    op.drop_index(
        "structure_version_owner",
        table_name="structure_version",
        postgresql_include=["valid_from", "valid_to", "recorded_from", "recorded_to"],
    )
    op.drop_index(
        "structure_version_order",
        table_name="structure_version",
        postgresql_include=["valid_from", "valid_to", "recorded_from", "recorded_to"],
    )
    op.drop_index(
        "structure_version_open",
        table_name="structure_version",
        postgresql_where=sa.text("recorded_to = 'infinity'::timestamptz"),
    )
    op.drop_index(
        "structure_version_commune",
        table_name="structure_version",
        postgresql_include=["valid_from", "valid_to", "recorded_from", "recorded_to"],
    )
    op.drop_table("structure_version")
    op.drop_table("structure_change")
    op.drop_index(op.f("ix_station_structure_id"), table_name="station")
    op.drop_table("station")
    op.drop_index("placement_unit", table_name="placement")
    op.drop_table("placement")
    op.drop_index(
        "organisation_version_open",
        table_name="organisation_version",
        postgresql_where=sa.text("recorded_to = 'infinity'::timestamptz"),
    )
    op.drop_table("organisation_version")
    op.drop_table("organisation_change")
    op.drop_table("mandate")
    op.drop_table("boundary")
    op.drop_table("watermark")
    op.drop_index("unit_sets", table_name="unit", postgresql_using="gin")
    op.drop_index(op.f("ix_unit_parent_id"), table_name="unit")
    op.drop_index(op.f("ix_unit_code"), table_name="unit")
    op.drop_table("unit")
    op.drop_table("structure")
    op.drop_table("publication")
    op.drop_table("parked")
    op.drop_index("outbox_unsent", table_name="outbox", postgresql_where=sa.text("sent_at IS NULL"))
    op.drop_table("outbox")
    op.drop_table("organisation")
    op.drop_table("number_series")
    op.drop_table("inbox")
    op.drop_index("idempotency_age", table_name="idempotency")
    op.drop_table("idempotency")
    op.drop_table("heartbeat")
    op.drop_table("boundary_set")
    op.drop_index("audit_unsealed", table_name="audit", postgresql_where=sa.text("chain_no IS NULL"))
    op.drop_index("audit_thing", table_name="audit")
    op.drop_table("audit")
