from kernel.migrations import run_env
from services.sharing.tables import metadata

run_env(metadata)
