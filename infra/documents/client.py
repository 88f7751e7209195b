"""The typed Python client, generated from docs/openapi.json by openapi-python-client; never committed."""

import subprocess
import sys
import tempfile
from pathlib import Path

from infra.documents.merged import FILE

PACKAGE = "hatang_client"
# The generated text is not ours to format.
_BINARY = ("text/csv", "application/pdf", "image/jpeg", "image/png")
_CONFIG = f"""
package_name_override: {PACKAGE}
post_hooks: []
content_type_overrides:
  application/geo+json: application/json
{"".join(f"  {form}: application/octet-stream{chr(10)}" for form in _BINARY)}"""


class NotGenerated(RuntimeError):
    """The generator left something of the document out: what it said."""


def generate(folder: Path) -> Path:
    """Makes `folder`/hatang_client. Raises NotGenerated when any part of the document has no place in it."""
    target = folder / PACKAGE
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
        config.write(_CONFIG)
        config.flush()
        options = {"--path": FILE, "--output-path": target, "--config": config.name, "--meta": "none"}
        given = ["--fail-on-warning", *(str(word) for pair in options.items() for word in pair)]
        command = [
            sys.executable,
            "-m",
            "openapi_python_client",
            "generate",
            *given,
            "--overwrite",
            "--fail-on-warning",
        ]
        made = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if made.returncode != 0:
        raise NotGenerated(made.stdout + made.stderr)
    return target
