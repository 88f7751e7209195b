from kernel.settings import ServiceSettings


class RegistrySettings(ServiceSettings):
    """`import_limit_mb` and `boundary_limit_mb` bound one request's body; `import_rows` bounds what it may hold.

    Of an import as a job: the file, what a workbook may unpack to, a GeoJSON (which is read whole), and its rows.
    """

    import_limit_mb: int = 20
    import_rows: int = 20_000
    import_file_mb: int = 200
    import_unpacked_mb: int = 500
    import_geojson_mb: int = 50
    import_job_rows: int = 1_000_000
    boundary_limit_mb: int = 20
