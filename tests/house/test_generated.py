"""What is generated and committed is what the code says now; what would break an integrator is found."""

import copy

import pytest

from infra.documents import authorisation, client, merged

pytestmark = pytest.mark.unit


def test_the_merged_document_is_the_services_together():
    assert merged.FILE.read_text() == merged.text(merged.document()), "run make openapi"


def test_the_matrix_is_what_policies_and_routes_say():
    assert authorisation.FILE.read_text() == authorisation.text(), "run make openapi"


def test_the_typed_client_holds_every_operation(tmp_path):
    made = client.generate(tmp_path)
    modules = {file.stem for file in (made / "api").rglob("*.py")}
    operations = [o["operationId"] for path in merged.committed()["paths"].values() for o in path.values()]
    assert set(operations) - modules == set()


def _changed(change):
    document = copy.deepcopy(merged.committed())
    change(document["paths"]["/api/sharing/v1/agreements"], document["components"]["schemas"])
    return merged.breaks(merged.committed(), document)


def test_nothing_breaks_when_nothing_changes_or_something_is_added():
    assert merged.breaks(merged.committed(), merged.committed()) == []
    assert _changed(lambda path, schemas: schemas["AgreementRow"]["properties"].update(more={"type": "string"})) == []
    added = {"in": "query", "name": "more", "required": False}
    assert _changed(lambda path, schemas: path["get"]["parameters"].append(added)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda path, schemas: path.pop("post"), "is gone"),
        (lambda path, schemas: path["get"].update(operationId="other"), "became other"),
        (lambda path, schemas: path["get"]["parameters"].pop(0), "is gone"),
        (lambda path, schemas: path["get"]["parameters"][0].update(required=True), "is needed now"),
        (lambda path, schemas: schemas["AgreementRow"]["properties"].pop("owner"), "answer/items/*/owner is gone"),
        (lambda path, schemas: schemas["AgreementRecord"]["required"].append("number"), "body/number is needed now"),
        (lambda path, schemas: schemas["AgreementRow"]["properties"]["owner"].update(type="integer"), "was string"),
        (lambda path, schemas: path["post"]["responses"].pop("201"), "201 is no longer answered"),
    ],
)
def test_what_breaks_a_program_is_found(change, said):
    assert any(said in each for each in _changed(change))
