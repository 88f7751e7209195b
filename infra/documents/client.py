"""The typed Python client, generated from docs/openapi.json by openapi-python-client; never committed."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

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
    with tempfile.TemporaryDirectory() as made:
        config, source = Path(made, "config.yaml"), Path(made, "openapi.json")
        config.write_text(_CONFIG)
        source.write_text(json.dumps(_spoken(json.loads(FILE.read_text()))))
        options = {"--path": source, "--output-path": target, "--config": config, "--meta": "none"}
        given = ["--fail-on-warning", *(str(word) for pair in options.items() for word in pair)]
        command = [sys.executable, "-m", "openapi_python_client", "generate", "--overwrite", *given]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise NotGenerated(done.stdout + done.stderr)
    return target


def _spoken(document: dict[str, Any]) -> dict[str, Any]:
    """The generator takes the first form of an answer: where there is JSON, the client speaks that."""
    for operations in document["paths"].values():
        for operation in operations.values():
            for answer in operation["responses"].values():
                if "application/json" in (content := answer.get("content", {})):
                    answer["content"] = {"application/json": content["application/json"]}
    return document
