"""The registry's tables. Logs are appended to; versions are their projection, kept continuous by triggers."""

from kernel.db import own_tables
from services.registry.tables.access import Account, AccountFinding, AccountLook, AccountReview, AccountStep
from services.registry.tables.columns import Point, Table
from services.registry.tables.imports import ImportJob, ImportMapping, ImportPart, ImportRow
from services.registry.tables.places import (
    Boundary,
    BoundarySet,
    Mandate,
    Organisation,
    OrganisationChange,
    OrganisationVersion,
    Placement,
    Unit,
    UnitPlacement,
    UnitSuccession,
)
from services.registry.tables.things import (
    NumberSeries,
    Publication,
    SearchWord,
    Station,
    StationChange,
    StationVersion,
    Structure,
    StructureChange,
    StructureVersion,
)

metadata = Table.metadata
own_tables(metadata)

__all__ = [
    "Account",
    "AccountFinding",
    "AccountLook",
    "AccountReview",
    "AccountStep",
    "Boundary",
    "BoundarySet",
    "ImportJob",
    "ImportMapping",
    "ImportPart",
    "ImportRow",
    "Mandate",
    "NumberSeries",
    "Organisation",
    "OrganisationChange",
    "OrganisationVersion",
    "Placement",
    "Point",
    "Publication",
    "SearchWord",
    "Station",
    "StationChange",
    "StationVersion",
    "Structure",
    "StructureChange",
    "StructureVersion",
    "Table",
    "Unit",
    "UnitPlacement",
    "UnitSuccession",
    "metadata",
]
