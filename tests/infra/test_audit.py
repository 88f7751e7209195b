import pytest

from infra.audit import judge

pytestmark = pytest.mark.unit
WELL = {"name": "a", "version": "1", "vulns": []}
FAULTY = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1"}]}
UNKNOWN = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("dependencies", "code", "word"),
    [
        ([WELL], 0, "No known faults"),
        ([WELL, FAULTY], 1, "CVE-1"),
        ([WELL, UNKNOWN], 2, "NOT AUDITED: 1 of 2"),
        ([FAULTY, UNKNOWN], 1, "NOT AUDITED"),
        ([], 2, ""),
    ],
)
def test_not_to_have_asked_is_not_to_be_well(dependencies, code, word):
    found, said = judge({"dependencies": dependencies})
    assert found == code
    assert word in "\n".join(said)
