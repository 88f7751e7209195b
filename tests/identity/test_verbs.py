"""The gateway's verbs over people and clients, on both providers by the same code."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import uuid4

import httpx
import pytest

from contracts import gateway as said
from gateway.accounts.keeping import Keeping
from gateway.accounts.realm import Realm
from gateway.accounts.refusals import (
    AccountRefused,
    AccountsNotKept,
    ClientTaken,
    ClientUnknown,
    InvitationOver,
    PersonTaken,
    PersonUnknown,
)
from gateway.errors import IdentityAway
from tests.fixtures.realm_client import RealmClient, claims
from tests.fixtures.servers import Identity
from tests.identity.conftest import nobody_here, settings

pytestmark = [pytest.mark.system, pytest.mark.timeout(420)]
SINCE = datetime.now(UTC) - timedelta(days=1)
_numbers = count(1)


def client(**changes: object) -> said.KeepClient:
    given = {"client_id": f"ock-api-{next(_numbers)}", "name": "OCK", "org": "OCK", "capabilities": ["owner"]}
    return said.KeepClient.model_validate({**given, "enabled": True, **changes})


def person(**changes: object) -> said.KeepPerson:
    given = {"username": f"ock.nguoi{next(_numbers)}", "name": "Nguyễn Văn Bình", "org": "OCK"}
    rights = {"capabilities": ["applicant"], "functions": [], "enabled": True}
    return said.KeepPerson.model_validate({**given, **rights, **changes})


def issue(asked: said.KeepClient, *, overlap: int = 0, **changes: object) -> said.IssueSecret:
    given = {"client_id": asked.client_id, "org": asked.org, "request": uuid4(), "overlap_seconds": overlap}
    return said.IssueSecret.model_validate({**given, **changes})


def token(provider: Identity, client_id: str, secret: str) -> httpx.Response:
    form = {"grant_type": "client_credentials"}
    return httpx.post(
        f"{provider.issuer}/protocol/openid-connect/token", data=form, auth=(client_id, secret), timeout=20
    )


async def test_a_client_is_made_once_and_its_token_says_whose_it_is(keeping: Keeping, provider: Identity):
    asked = client(capabilities=["applicant", "owner"])
    for _ in range(2):
        await keeping.keep_client(asked)
    secret = await keeping.issue_secret(issue(asked))
    assert secret.secret.startswith(said.SECRET_PREFIX)
    told = claims(token(provider, asked.client_id, secret.secret).json()["access_token"])
    assert (told["org"], sorted(told["capabilities"]), told["aud"]) == ("OCK", ["applicant", "owner"], "hatang-api")
    assert "sid" not in told
    held = {one.client_id: one for one in (await keeping.accounts(SINCE)).clients}[asked.client_id]
    assert held.last_used is not None
    assert held.last_used > datetime.now(UTC) - timedelta(minutes=2)
    assert held.secret_ends is not None
    assert timedelta(days=365) < held.secret_ends - datetime.now(UTC) < timedelta(days=367), "ours, not the policy's"


async def test_the_networks_of_a_client_stand_in_its_token(keeping: Keeping, provider: Identity):
    asked = client(networks=["203.0.113.0/24", "2001:db8::/48"])
    await keeping.keep_client(asked)
    secret = (await keeping.issue_secret(issue(asked))).secret

    def told() -> list[str] | None:
        found: list[str] | None = claims(token(provider, asked.client_id, secret).json()["access_token"]).get(
            "networks"
        )
        return found

    assert sorted(told() or []) == ["2001:db8::/48", "203.0.113.0/24"]
    held = {one.client_id: one for one in (await keeping.accounts(SINCE)).clients}[asked.client_id]
    assert held.networks == ["2001:db8::/48", "203.0.113.0/24"]
    await keeping.keep_client(asked.model_copy(update={"networks": [], "known": True}))
    assert not told()


async def test_a_secret_is_rotated_with_both_good_until_the_overlap_ends(keeping: Keeping, provider: Identity):
    asked = client()
    await keeping.keep_client(asked)
    first = await keeping.issue_secret(issue(asked))
    rotation = issue(asked, overlap=3600)
    lost = await keeping.issue_secret(rotation)
    second = await keeping.issue_secret(rotation)
    assert second.overlap_until is not None
    assert token(provider, asked.client_id, first.secret).status_code == 200, "in use while the new one is handed over"
    assert token(provider, asked.client_id, second.secret).status_code == 200
    assert token(provider, asked.client_id, lost.secret).status_code == 401
    for _ in range(2):
        await keeping.end_overlap(asked.client_id, "OCK")
    assert token(provider, asked.client_id, first.secret).status_code == 401
    assert token(provider, asked.client_id, second.secret).status_code == 200
    third = await keeping.issue_secret(issue(asked))
    assert third.overlap_until is None
    assert token(provider, asked.client_id, second.secret).status_code == 401


async def test_an_overlap_ends_by_itself(keeping: Keeping, provider: Identity):
    asked = client()
    await keeping.keep_client(asked)
    first = await keeping.issue_secret(issue(asked))
    await keeping.issue_secret(issue(asked, overlap=8))
    assert token(provider, asked.client_id, first.secret).status_code == 200
    # Keycloak counts whole seconds and refuses from the second after the last: up to nine of them.
    await asyncio.sleep(10)
    assert token(provider, asked.client_id, first.secret).status_code == 401


async def test_a_suspended_client_gets_no_token_until_it_is_resumed(keeping: Keeping, provider: Identity):
    asked = client()
    await keeping.keep_client(asked)
    secret = (await keeping.issue_secret(issue(asked))).secret
    await keeping.keep_client(asked.model_copy(update={"enabled": False}))
    assert token(provider, asked.client_id, secret).status_code == 401
    held = {one.client_id: one for one in (await keeping.accounts(SINCE)).clients}[asked.client_id]
    assert (held.enabled, held.capabilities) == (False, ["owner"])
    await keeping.keep_client(asked)
    assert token(provider, asked.client_id, secret).status_code == 200


@pytest.mark.parametrize("client_id", ["gateway", "hatang-api", "hatang-admin", "viettel-api"])
async def test_nobody_elses_client_is_taken_over(keeping: Keeping, client_id: str):
    with pytest.raises(ClientTaken):
        await keeping.keep_client(client(client_id=client_id))
    with pytest.raises(ClientUnknown):
        await keeping.issue_secret(issue(client(client_id=client_id)))


async def test_a_person_sets_a_password_by_a_link_that_is_good_once(keeping: Keeping, realm: Realm):
    asked = person(email="binh@ock.example.vn")
    for _ in range(2):
        await keeping.keep_person(asked)
    held = {one.username: one for one in (await keeping.accounts(SINCE)).people}[asked.username]
    assert held.invited
    first = await keeping.invite(asked.username, "OCK")
    second = await keeping.invite(asked.username, "OCK")
    with pytest.raises(InvitationOver):
        await keeping.invited(first.path.rpartition("/")[2])
    link = second.path.rpartition("/")[2]
    for changed in (f"9{link}", f"{link}x", link.partition("-")[2], "", f"1-{link.partition('-')[2]}"):
        with pytest.raises(InvitationOver):
            await keeping.invited(changed)
    await keeping.set_password(link, "một câu dài dễ nhớ")
    with pytest.raises(InvitationOver):
        await keeping.set_password(link, "một câu dài khác nữa")
    held = {one.username: one for one in (await keeping.accounts(SINCE)).people}[asked.username]
    assert not held.invited


async def test_a_link_of_a_suspended_person_leads_nowhere(keeping: Keeping):
    asked = person()
    await keeping.keep_person(asked)
    link = (await keeping.invite(asked.username, "OCK")).path.rpartition("/")[2]
    await keeping.keep_person(asked.model_copy(update={"enabled": False}))
    with pytest.raises(InvitationOver):
        await keeping.set_password(link, "một câu dài dễ nhớ")


async def test_nobody_elses_person_is_taken_over_but_an_own_one_is_put_right(keeping: Keeping, realm: Realm):
    asked = person()
    await keeping.keep_person(asked)
    with pytest.raises(PersonTaken):
        await keeping.keep_person(asked.model_copy(update={"org": "VNPT"}))
    with pytest.raises(PersonUnknown):
        await keeping.invite(asked.username, "VNPT")
    user = await realm.person(asked.username)
    assert user is not None
    moved = {**user, "attributes": {**user["attributes"], "org": ["VNPT"]}}
    await realm.call(realm.admin.a_update_user(user["id"], moved))
    await keeping.keep_person(asked.model_copy(update={"known": True}))
    held = {one.username: one for one in (await keeping.accounts(SINCE)).people}[asked.username]
    assert held.org == "OCK"


async def test_a_capability_that_the_realm_does_not_know_is_refused(keeping: Keeping):
    with pytest.raises(AccountRefused):
        await keeping.keep_person(person(capabilities=["emperor"]))


async def test_the_realms_own_accounts_are_nobodys_of_an_organisation(keeping: Keeping):
    held = await keeping.accounts(SINCE)
    assert {"viettel-api", "vnpt-api", "mobifone-api"} <= {one.client_id for one in held.clients}
    assert not {"hatang-admin", "gateway", "hatang-api"} & {one.client_id for one in held.clients}
    assert "quantri" in {one.username for one in held.people}
    assert not [one.username for one in held.people if one.username.startswith("service-account")]


async def test_the_administrators_token_opens_no_service(provider: Identity):
    told = claims(token(provider, "hatang-admin", "test").json()["access_token"])
    assert "hatang-api" not in told.get("aud", "")
    assert not told.get("capabilities")


async def test_without_rights_or_provider_the_refusal_is_typed(provider: Identity):
    for made, refusal in (
        (settings(provider.issuer, secret=""), AccountsNotKept),
        (settings(provider.issuer, secret="wrong"), IdentityAway),
        (settings("http://127.0.0.1:1/realms/hatang"), IdentityAway),
    ):
        realm = Realm(made)
        with pytest.raises(refusal):
            await Keeping(realm, "hatang-admin", nobody_here).accounts(SINCE)
        await realm.close()


def test_an_ordinary_client_may_not_ask_the_admin_api(provider: Identity):
    bearer = token(provider, "viettel-api", "demo-viettel-api").json()["access_token"]
    at = provider.issuer.replace("/realms/", "/admin/realms/")
    for header, status in ((f"Bearer {bearer}", 403), ("Bearer x", 401)):
        answer = httpx.get(f"{at}/users", headers={"Authorization": header}, timeout=20)
        assert answer.status_code == status
    assert httpx.get(f"{at}/clients", timeout=20).status_code == 401


async def test_a_sign_in_is_seen_as_last_use(keeping: Keeping, realm_client: RealmClient):
    realm_client.tokens_of("mobifone.chi")
    held = {one.username: one for one in (await keeping.accounts(SINCE)).people}["mobifone.chi"]
    assert held.last_used is not None
    assert held.last_used > datetime.now(UTC) - timedelta(minutes=2)
