"""What of a structure's life is a plan: before it is built its place is its owner's own affair."""

# Of the registry's states those that everybody may know of; a test compares with the registry's own.
OPEN_TO_ALL = ("in_service", "idle", "dismantled")
