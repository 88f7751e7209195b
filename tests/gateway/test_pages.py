"""The gateway's own pages and addresses."""

import json
import re
from urllib.parse import quote

import pytest
from bs4 import BeautifulSoup
from starlette.responses import PlainTextResponse, Response

from gateway import openapi
from gateway.settings import GatewaySettings
from gateway.shield import content_security_policy
from tests.gateway.conftest import KEY, Provider, Running, Starter

HTML = {"Accept": "text/html"}
FIXED = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def settings(**changes: object) -> GatewaySettings:
    given = {
        "name": "gateway",
        "nats_url": "nats://127.0.0.1:1",
        "form_key": "k",
        "client_secret": "s",
        "session_key": KEY,
        "registry_url": "http://127.0.0.1:1",
        "permits_url": "http://127.0.0.1:1",
        "sharing_url": "http://127.0.0.1:1",
    }
    return GatewaySettings.model_validate(given | changes)


@pytest.mark.unit
def test_settings_come_with_the_prefix_first() -> None:
    environ = {
        "NATS_URL": "nats://x",
        "FORM_KEY": "k",
        "CLIENT_SECRET": "plain",
        "GATEWAY_CLIENT_SECRET": "own",
        "SESSION_KEY": KEY,
        "REGISTRY_URL": "http://r:1",
        "PERMITS_URL": "http://p:1",
        "GATEWAY_SHARING_URL": "http://s:1",
    }
    loaded = GatewaySettings.load("gateway", environ)
    assert loaded.client_secret == "own"
    assert loaded.upstreams == {"permits": "http://p:1", "sharing": "http://s:1", "registry": "http://r:1"}
    assert loaded.port == 8080


@pytest.mark.unit
@pytest.mark.parametrize("key", ["", "short", "!!", "QUJD"])
def test_a_session_key_that_is_not_32_bytes_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="SESSION_KEY"):
        settings(session_key=key)


@pytest.mark.unit
def test_the_cookie_suffix_is_the_port_unless_it_is_443() -> None:
    assert settings().cookie_suffix == "-8080"
    assert settings(public_url="https://hatang.example").cookie_suffix == ""
    assert settings(public_url="http://hatang.example").cookie_suffix == "-80"


@pytest.mark.unit
def test_the_policy_lets_tiles_in_and_nothing_else() -> None:
    assert "img-src 'self' data:;" in content_security_policy(settings())
    tiles = settings(tile_url="https://{s}.tiles.example/{z}/{x}/{y}.png")
    assert "img-src 'self' data: https://*.tiles.example;" in content_security_policy(tiles)
    assert "form-action 'self' http://127.0.0.1:8081;" in content_security_policy(tiles)
    assert "unsafe" not in content_security_policy(tiles)


@pytest.mark.unit
def test_components_of_one_name_and_two_meanings_are_told_apart() -> None:
    def document(service: str, fields: list[str]) -> openapi.Document:
        schemas = {
            "Page": {"type": "object", "properties": {"items": {"$ref": "#/components/schemas/Item"}}},
            "Item": {"type": "object", "required": fields},
            "Same": {"type": "string"},
        }
        answer = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Page"}}}}
        operation = {"operationId": "list", "responses": {"200": answer}}
        paths = {f"/api/{service}/v1/things": {"get": operation}, f"/{service}/page": {"get": operation}}
        return {"paths": paths, "components": {"schemas": schemas}, "tags": [{"name": "things"}]}

    merged = openapi.merge(
        {"one": document("one", ["a"]), "two": document("two", ["b"]), "three": document("three", ["a"])}, "/", "issuer"
    )
    schemas = merged["components"]["schemas"]
    assert set(schemas) == {"Page", "Item", "Same", "two_Page", "two_Item", "Problem"}
    assert schemas["two_Page"]["properties"]["items"]["$ref"] == "#/components/schemas/two_Item"
    two = merged["paths"]["/api/two/v1/things"]["get"]
    assert two["responses"]["200"]["content"]["application/json"]["schema"]["$ref"] == "#/components/schemas/two_Page"
    assert [path for path in merged["paths"] if path.endswith("page")] == []
    names = [item[method]["operationId"] for item in merged["paths"].values() for method in item]
    assert len(names) == len(set(names))
    assert merged["tags"] == [{"name": "things"}]


@pytest.mark.unit
def test_the_merged_document_is_valid() -> None:
    validate = pytest.importorskip("openapi_spec_validator").validate
    found = openapi.committed(["registry", "permits", "sharing"])
    validate(openapi.merge(found, "http://127.0.0.1:8080", "http://127.0.0.1:8081/realms/hatang"))


@pytest.mark.database
async def test_the_landing_page_says_what_this_is_and_where_to_sign_in(running: Running) -> None:
    answer = await running.client.get("/", headers=HTML)
    page = BeautifulSoup(answer.text, "html.parser")
    assert page.h1 is not None
    assert page.h1.text == "Dùng chung hạ tầng viễn thông thụ động"
    assert page.select("main a[href='/sign-in']")
    english = BeautifulSoup((await running.client.get("/", headers={"Accept-Language": "en"})).text, "html.parser")
    assert english.html is not None
    assert english.html["lang"] == "en"
    assert english.select_one("main a[href='/sign-in']").text == "Sign in"  # type: ignore[union-attr]


@pytest.mark.database
async def test_every_answer_carries_the_fixed_headers(running: Running) -> None:
    for path in ("/", "/nothing", "/registry/echo", "/api/registry/echo", "/registry//x", "/static/theme.js"):
        answer = await running.client.get(path)
        assert FIXED.items() <= dict(answer.headers).items(), path
        assert len(answer.headers.get_list("content-security-policy")) == 1
        assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-trace-id"])
        assert "strict-transport-security" not in answer.headers


@pytest.mark.database
async def test_https_is_remembered_by_the_browser(start: Starter) -> None:
    running = await start(public_url="https://hatang.example")
    answer = await running.client.get("/health/live")
    assert answer.headers["strict-transport-security"].startswith("max-age=31536000")


@pytest.mark.database
async def test_no_page_of_ours_holds_inline_script_or_style(running: Running) -> None:
    for path in ("/", "/docs", "/nothing"):
        page = BeautifulSoup((await running.client.get(path, headers=HTML)).text, "html.parser")
        assert not page.select("[style], style, [onclick], [onload]")
        assert all(script.get("src", "").startswith("/static/") for script in page.select("script"))  # type: ignore[union-attr]


@pytest.mark.database
async def test_unknown_addresses_are_404_as_page_and_as_document(running: Running) -> None:
    page = await running.client.get("/nothing", headers=HTML)
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    plain = await running.client.get("/api/nothing/v1/x")
    assert (plain.status_code, plain.json()["code"]) == (404, "NoSuchPage")
    assert (await running.client.get("/sign-out")).status_code == 405


@pytest.mark.database
async def test_home_shows_each_services_card_and_says_which_is_away(start: Starter, provider: Provider) -> None:
    running = await start(provider, sharing_url="http://127.0.0.1:1", card_seconds=0.5)
    value, _ = await running.sign_in("sxd.lan")
    answer = await running.client.get("/", headers={**running.cookie(value), **HTML})
    page = BeautifulSoup(answer.text, "html.parser")
    assert page.title is not None
    assert page.title.text.startswith("Trang chính")
    assert page.select_one("#card-registry").text.strip() == "registry Bearer"  # type: ignore[union-attr]
    assert "Phần “sharing” tạm ngừng." in page.select_one("#card-sharing").text  # type: ignore[union-attr]
    assert "Trần Thị Lan" in answer.text
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.database
async def test_home_leaves_out_a_card_that_is_not_for_this_person(start: Starter, provider: Provider) -> None:
    running = await start(provider)
    cards: dict[str, Response] = {
        "registry": Response(status_code=204),
        "permits": PlainTextResponse("no", 403),
        "sharing": PlainTextResponse("broken", 500),
    }
    for name, card in cards.items():
        running.services[name].card = card
    value, _ = await running.sign_in()
    page = BeautifulSoup((await running.client.get("/", headers=running.cookie(value))).text, "html.parser")
    assert [card["id"] for card in page.select("[id^=card-]")] == ["card-sharing"]


@pytest.mark.database
async def test_language_and_theme_are_chosen_by_post_and_kept(running: Running) -> None:
    chosen = await running.client.post("/language?to=en&next=/docs")
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/docs")
    assert chosen.headers["set-cookie"].startswith("lang=en; ")
    themed = await running.client.post("/theme", data={"to": "dark", "next": "//evil.example"})
    assert (themed.headers["location"], themed.headers["set-cookie"][:11]) == ("/", "theme=dark;")
    assert (await running.client.post("/language?to=fr")).status_code == 404
    page = await running.client.get("/", headers={"Cookie": "lang=en; theme=dark"})
    assert '<html lang="en" data-bs-theme="dark">' in page.text


@pytest.mark.database
async def test_static_files_are_ours_compressed_and_kept_for_ever_under_their_digest(running: Running) -> None:
    answer = await running.client.get("/static/theme.js?v=1")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"].startswith("text/javascript")
    again = await running.client.get("/static/theme.js", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await running.client.get("/static/gateway/docs.js")).status_code == 200
    for path in ("/static/nothing.js", "/static/", "/static/vendor/.stamp", "/static/gateway/nothing"):
        assert (await running.client.get(path)).status_code == 404


@pytest.mark.database
async def test_ready_lists_every_part_and_is_200_only_when_all_are(start: Starter) -> None:
    running = await start(sharing_url="http://127.0.0.1:1")
    answer = await running.client.get("/health/ready")
    parts = answer.json()["parts"]
    assert answer.status_code == 503
    assert parts["registry"] == {"status": "ready"}
    assert parts["sharing"].startswith("away: ")
    assert set(parts) == {"registry", "permits", "sharing", "nats"}
    assert (await running.client.get("/health/live")).status_code == 200


@pytest.mark.database
async def test_ready_is_200_when_all_are_and_503_when_one_is_not_or_nats_is_away(start: Starter) -> None:
    running = await start()
    assert (await running.client.get("/health/ready")).json()["status"] == "ready"
    other = await start(nats_url="nats://127.0.0.1:1")
    answer = await other.client.get("/health/ready")
    assert (answer.status_code, answer.json()["parts"]["nats"]) == (503, "away")
    third = await start()
    third.services["permits"].is_ready = False
    assert (await third.client.get("/health/ready")).status_code == 503


@pytest.mark.database
async def test_the_api_document_is_there_when_no_service_is(start: Starter) -> None:
    away = {f"{name}_url": "http://127.0.0.1:1" for name in ("registry", "permits", "sharing")}
    running = await start(**away)
    document = json.loads((await running.client.get("/openapi.json")).content)
    assert document["openapi"].startswith("3.1")
    assert "/health/ready" in document["paths"]
    page = await running.client.get("/docs", headers=HTML)
    assert page.status_code == 200
    assert "vendor/swagger-ui.js" in page.text


@pytest.mark.database
async def test_a_static_name_longer_than_any_files_is_404(running: Running) -> None:
    assert (await running.client.get(f"/static/{'a' * 5000}")).status_code == 404


@pytest.mark.database
async def test_the_gateways_pages_name_the_organisation_as_the_services_do(start: Starter, provider: Provider) -> None:
    running = await start(provider)
    name = "Sở Xây dựng"
    running.services["sharing"].card = Response(status_code=204, headers={"X-Org-Name": quote(name)})
    value, _ = await running.sign_in("sxd.lan")
    for path in ("/", "/docs"):
        answer = await running.client.get(path, headers={**running.cookie(value), **HTML})
        page = BeautifulSoup(answer.text, "html.parser")
        assert page.select_one(".am-person-text small").text == name  # type: ignore[union-attr]
    other, _ = await running.sign_in("viettel.an")
    page = BeautifulSoup((await running.client.get("/docs", headers=running.cookie(other))).text, "html.parser")
    assert page.select_one(".am-person-text small").text == "VIETTEL"  # type: ignore[union-attr]
