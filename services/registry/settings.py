from kernel.settings import ServiceSettings


class RegistrySettings(ServiceSettings):
    """`import_limit_mb` and `boundary_limit_mb` bound one request's body; `import_rows` bounds what it may hold."""

    import_limit_mb: int = 20
    import_rows: int = 20_000
    boundary_limit_mb: int = 20
