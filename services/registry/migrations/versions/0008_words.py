"""The words of structures, each with what is left when one letter goes: by them a word with one typo is found

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "search_word",
        sa.Column("word", sa.Text(collation="C"), nullable=False),
        sa.Column("variants", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("word"),
    )
    op.create_index("search_word_variants", "search_word", ["variants"], postgresql_using="gin")
    op.execute(
        "INSERT INTO search_word (word, variants) SELECT w, array_append(ARRAY(SELECT substr(w, 1, i - 1)"
        " || substr(w, i + 1) FROM generate_series(1, length(w)) i), w) FROM (SELECT DISTINCT"
        " regexp_split_to_table(name_fold, ' ') AS w FROM structure_version) d WHERE w ~ '^[a-z]{4,30}$'"
        " ON CONFLICT DO NOTHING"
    )


def downgrade() -> None:
    op.drop_table("search_word")
