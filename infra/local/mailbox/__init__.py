"""A mail server that delivers nothing: it keeps what it was handed and shows it, on this machine only."""
