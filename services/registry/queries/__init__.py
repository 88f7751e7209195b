"""Every SELECT of the registry, named after what it returns. Visibility lives here."""
