from kernel.migrations import run_env
from services.permits.tables import metadata

run_env(metadata)
