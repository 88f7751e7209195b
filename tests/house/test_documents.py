"""What is committed beside the code says what the code says; `make openapi` writes it anew."""

import json
from importlib import import_module
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from gateway.openapi import committed, merge
from tests.fixtures.service import settings_for

pytestmark = pytest.mark.unit
SERVICES = Path(__file__).parents[2] / "services"


@pytest.mark.parametrize("service", ["registry", "permits", "sharing"])
def test_the_committed_api_document_is_the_generated_one(service):
    create = import_module(f"services.{service}.app").create
    generated = json.loads(json.dumps(create(settings_for(service, "postgresql://localhost/none")).openapi()))
    assert json.loads((SERVICES / service / "openapi.json").read_text()) == generated, "run: make openapi"


def test_the_merged_document_is_a_valid_openapi_document_with_every_path_once():
    documents = committed(["registry", "permits", "sharing"])
    whole = merge(documents, "http://127.0.0.1:8080", "http://127.0.0.1:8081/realms/hatang")
    validate(whole)
    paths = [path for document in documents.values() for path in document["paths"]]
    assert set(paths) <= set(whole["paths"])
    assert len(paths) == len(set(paths))
    operations = [op["operationId"] for item in whole["paths"].values() for op in item.values() if "operationId" in op]
    assert len(operations) == len(set(operations))
