"""The seals of a deployment that has none of its own yet."""
