"""The gate: who comes in, and what every answer carries."""

import base64
import hashlib

import pytest

from watthour.errors import UsageError
from watthour.host.web.address import parse_address
from watthour.host.web.guarding import COOKIE, HEADERS

TOKEN = "a-token-of-some-length"  # noqa: S105 - nobody's
ELSEWHERE = "http://meter.example:8311"
PLACES = ["/", "/events", "/metrics", "/static/index.html", "/api/v1/values", "/api/v1/openapi.json"]


@pytest.mark.parametrize("path", [place for place in PLACES if place != "/events"])
def test_on_this_machine_s_own_address_no_token_is_needed(page, path):
    assert page.client.get(path).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1:8311", "localhost:8311", "[::1]:8311", "localhost"])
def test_this_machine_has_its_own_names(page, host):
    assert page.client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["meter.example", "127.0.0.1.meter.example", "localhost.example:8311", "10.0.0.1", "", "[::1"])
def test_a_foreign_name_that_points_here_is_refused(page, host):
    assert page.client.get("/api/v1/values", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("path", PLACES)
def test_elsewhere_everything_needs_the_token(make_page, path):
    page = make_page(token=TOKEN, base_url=ELSEWHERE)
    answer = page.client.get(path)
    assert answer.status_code == 401
    assert "token" in answer.json()["detail"]
    assert page.client.get(path, headers={"authorization": "Bearer another"}).status_code == 401
    page.client.cookies.set(COOKIE, TOKEN[:-1])
    assert page.client.get(path).status_code == 401


@pytest.mark.parametrize(
    "path", ["keys", "contacts", "commands/reset-partial", "commands/close-period", "commands/select-rate"]
)
def test_elsewhere_keys_and_commands_need_it_too(make_page, path):
    page = make_page(token=TOKEN, base_url=ELSEWHERE)
    assert page.client.post(f"/api/v1/{path}", json={}).status_code == 401
    assert page.port.asked == []


def test_the_token_comes_in_as_a_header_or_once_in_the_address_which_makes_a_cookie(make_page):
    page = make_page(token=TOKEN, base_url=ELSEWHERE)
    assert page.client.get("/api/v1/meter", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
    welcome = page.client.get(f"/?token={TOKEN}&day=1")
    assert (welcome.status_code, welcome.headers["location"]) == (303, "/?day=1")
    cookie = welcome.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert page.client.get("/").status_code == 200  # the client keeps the cookie
    assert page.client.post("/api/v1/keys", json={"key": 1}).status_code == 200


CROSS = [{"origin": "http://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"},
         {"origin": "http://127.0.0.1:9999"}]  # fmt: skip


@pytest.mark.parametrize("headers", CROSS, ids=str)
def test_another_site_s_page_changes_nothing(page, headers):
    assert page.client.post("/api/v1/commands/reset-partial", headers=headers).status_code == 403
    assert page.port.asked == []


@pytest.mark.parametrize("headers", [{"origin": "http://127.0.0.1:8311", "sec-fetch-site": "same-origin"}, {}], ids=str)
def test_the_page_itself_and_a_program_may(page, headers):
    assert page.client.post("/api/v1/commands/reset-partial", headers=headers).status_code == 200


def test_long_bodies_and_bodies_without_a_length_are_refused(page):
    assert page.client.post("/api/v1/keys", content=b" " * 70_000).status_code == 413
    assert page.client.post("/api/v1/keys", content=iter([b"{}"])).status_code == 411


@pytest.mark.parametrize("path", ["/", "/api/v1/values", "/nothing", "/api/v1/values/none", "/static/none.js"])
def test_every_answer_carries_the_headers_that_keep_a_page_to_itself(page, path):
    headers = page.client.get(path).headers
    assert {name: headers.get(name) for name in HEADERS} == HEADERS
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("path", ["/static/../serving.py", "/static/%2e%2e/serving.py", "/static//etc/passwd"])
def test_nothing_outside_the_folder_is_served(page, path):
    assert page.client.get(path).status_code == 404


def test_a_refusal_carries_the_headers_too(make_page):
    headers = make_page(token=TOKEN, base_url=ELSEWHERE).client.get("/").headers
    assert {name: headers.get(name) for name in HEADERS} == HEADERS


@pytest.mark.parametrize(
    "text", ["8311", "127.0.0.1", "http://127.0.0.1:8311", "127.0.0.1:port", "127.0.0.1:99999", "a@b:80", ":80", "x:80/y"]
)
def test_what_is_no_address_is_refused_in_one_line(text):
    with pytest.raises(UsageError, match=r"write HOST:PORT, such as 127\.0\.0\.1:8311"):
        parse_address(text)


@pytest.mark.parametrize(("text", "is_local"), [("127.0.0.1:1", True), ("[::1]:1", True), ("localhost:1", True), ("0.0.0.0:1", False),
                                                ("192.0.2.7:1", False), ("meter:1", False)])  # fmt: skip
def test_only_an_address_of_this_machine_is_local(text, is_local):
    assert parse_address(text).is_local == is_local


def test_a_person_without_the_token_gets_a_page_that_says_what_to_do(make_page):
    page = make_page(token=TOKEN, base_url=ELSEWHERE)
    without = page.client.get("/", headers={"accept": "text/html,application/xhtml+xml"})
    wrong = page.client.get("/?token=another-token-of-some-length", headers={"accept": "text/html"})
    assert (without.status_code, wrong.status_code) == (401, 401)
    assert "A token is needed here: open the address that was printed" in without.text
    assert "That is not this meter's token" in wrong.text
    assert "another-token" not in wrong.text
    style = without.text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in without.headers["content-security-policy"]
    assert "script-src" not in without.headers["content-security-policy"]
    assert without.headers["x-frame-options"] == "DENY"
