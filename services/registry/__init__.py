"""The registry: organisations, administrative units, and structures and stations with two times."""
