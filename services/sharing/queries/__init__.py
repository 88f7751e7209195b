"""Every SELECT of sharing."""
