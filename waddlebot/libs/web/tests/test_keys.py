"""Keys: what they look like, what is stored of them, and how soon a change is noticed. On both databases."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from importlib.resources import files
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.libs.dal import Conflict, System, Unavailable
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.sdk import Role
from waddlebot.libs.testing.stores import opened_dal
from waddlebot.libs.testing.waiting import until
from waddlebot.libs.web import HttpError, KeyInfo, KeyRing, KeyStore
from waddlebot.libs.web.keys import OWNER, digest_of, is_well_formed, new_key

type OpenStore = Callable[[], KeyStore]


@pytest.fixture
async def dal(database_url: str) -> AsyncIterator[AsyncDAL]:
    async with opened_dal(database_url, Owner(OWNER, KeyStore, files("waddlebot.libs.web") / "migrations")) as dal:
        yield dal


@pytest.fixture
def open_store(dal: AsyncDAL) -> OpenStore:
    return lambda: cast(KeyStore, dal.bind(OWNER, System("API keys")))


@pytest.fixture
async def ring(open_store: OpenStore) -> AsyncIterator[KeyRing]:
    async with KeyRing(open_store) as ring:
        yield ring


def test_keys_are_recognised_by_shape_and_checksum() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith("wbk_") and len(key) == 53 and is_well_formed(key) for key in keys)


@given(st.integers(4, 52), st.sampled_from("0aZ"))
def test_a_mistyped_key_is_no_key(place: int, letter: str) -> None:
    key = new_key()
    if key[place] != letter:
        assert not is_well_formed(key[:place] + letter + key[place + 1 :])


@given(st.text())
def test_text_is_no_key(text: str) -> None:
    assert not is_well_formed(text)


async def test_a_key_is_found_and_only_its_digest_is_stored(ring: KeyRing, open_store: OpenStore) -> None:
    raw, info = await ring.create("laptop", Role.TRIGGER)
    found = await ring.find(raw)
    assert found == info
    assert (info.community, info.entity, info.actor, info.created_by) == ("home", "", "key:laptop", "operator")
    _, (stored,) = await open_store().living(time.time())
    assert stored.digest == digest_of(raw)
    assert raw not in repr(stored)


async def test_bindings(ring: KeyRing) -> None:
    _, one = await ring.create("x", Role.USER, community="ducks")
    _, two = await ring.create("x", Role.USER, entity="irc:libera:#a")
    assert (one.community, one.entity) == ("ducks", "")
    assert (two.community, two.entity) == ("", "irc:libera:#a")
    assert [key.name for key in await ring.list_keys("ducks")] == ["x"]
    assert len(await ring.list_keys()) == 2


@pytest.mark.parametrize(
    ("name", "binding"),
    [
        ("", {}),
        (" ", {}),
        ("a\nb", {}),
        ("a" * 101, {}),
        ("x", {"community": "a", "entity": "a:b:c"}),
        ("x", {"entity": "a:b"}),
    ],
)
async def test_what_makes_no_sense_is_refused(ring: KeyRing, name: str, binding: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"A key|An entity"):
        await ring.create(name, Role.USER, **binding)  # type: ignore[arg-type]  # the table has only strings


async def test_a_name_is_taken_until_its_key_is_revoked(ring: KeyRing) -> None:
    await ring.create("bot", Role.USER)
    with pytest.raises(Conflict):
        await ring.create("bot", Role.ADMIN)
    await ring.revoke("bot")
    await ring.create("bot", Role.ADMIN)


async def test_a_revoked_key_stops_working_elsewhere_within_a_second(ring: KeyRing, open_store: OpenStore) -> None:
    raw, info = await ring.create("bot", Role.USER)
    async with KeyRing(open_store) as elsewhere:
        assert await elsewhere.find(raw) == info
        (revoked,) = await ring.revoke(info.id)
        revoked_at = time.monotonic()
        assert revoked.revoked_at is not None
        assert await ring.find(raw) is None
        while await elsewhere.find(raw) is not None:
            assert time.monotonic() - revoked_at < 1
            await asyncio.sleep(0.02)
    assert await ring.revoke(info.id) == []


async def test_revoking_stays_within_the_community_asked_for(ring: KeyRing) -> None:
    raw, _ = await ring.create("bot", Role.USER, community="ducks")
    assert await ring.revoke("bot", community="geese") == []
    assert await ring.find(raw) is not None


async def test_a_new_key_works_elsewhere_within_a_second(ring: KeyRing, open_store: OpenStore) -> None:
    async with KeyRing(open_store) as elsewhere:
        raw, _ = await ring.create("bot", Role.USER)
        made_at = time.monotonic()
        while await elsewhere.find(raw) is None:
            assert time.monotonic() - made_at < 1
            await asyncio.sleep(0.02)


async def test_a_key_expires(ring: KeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
    raw, info = await ring.create("brief", Role.USER, expires_at=time.time() + 3600)
    assert await ring.find(raw) == info
    later = time.time() + 3601
    monkeypatch.setattr("waddlebot.libs.web.ring.time.time", lambda: later)
    assert await ring.find(raw) is None


async def test_a_name_is_free_when_its_key_has_expired(ring: KeyRing) -> None:
    now = time.time()
    await ring.create("bot", Role.USER, expires_at=now - 1)
    raw, info = await ring.create("bot", Role.USER)
    assert await ring.find(raw) == info
    with pytest.raises(Conflict):
        await ring.create("bot", Role.USER)


async def test_a_rotated_key_opens_beside_the_new_one_for_its_grace(
    ring: KeyRing, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, old = await ring.create("bot", Role.TRIGGER, entity="irc:libera:#a")
    async with KeyRing(open_store) as elsewhere:
        fresh, new = await ring.rotate(old, grace_s=3600, actor="ann")
        assert (new.name, new.role, new.binding, new.actor) == (old.name, old.role, old.binding, old.actor)
        assert (new.created_by, new.expires_at) == ("ann", None)
        assert fresh != raw
        await until(lambda: elsewhere.find(fresh), 1)
        for each in (ring, elsewhere):
            assert await each.find(fresh) == new
            assert (found := await each.find(raw)) is not None
            assert found.id == old.id
        later = time.time() + 3601
        monkeypatch.setattr("waddlebot.libs.web.ring.time.time", lambda: later)
        for each in (ring, elsewhere):
            assert await each.find(raw) is None
            assert await each.find(fresh) == new


async def test_a_leaked_key_is_replaced_at_once(ring: KeyRing) -> None:
    raw, old = await ring.create("bot", Role.USER)
    fresh, new = await ring.rotate(old, grace_s=0, actor="ann")
    assert await ring.find(raw) is None
    assert await ring.find(fresh) == new


async def test_a_rotated_key_lives_as_long_as_the_old_one_was_meant_to(ring: KeyRing) -> None:
    _, old = await ring.create("bot", Role.USER, expires_at=time.time() + 1000)
    _, new = await ring.rotate(old, grace_s=3600, actor="ann")
    assert new.expires_at is not None
    assert new.expires_at - new.created_at == pytest.approx(1000, abs=5)
    replaced = next(key for key in await ring.list_keys() if key.id == old.id)
    assert replaced.expires_at == old.expires_at, "a grace lengthens no life"
    assert replaced.replaced_at is not None


async def test_one_key_is_replaced_once(ring: KeyRing) -> None:
    _, old = await ring.create("bot", Role.USER)
    turned = await asyncio.gather(
        *(ring.rotate(old, grace_s=60, actor="ann") for _ in range(4)), return_exceptions=True
    )
    assert [type(one) for one in turned].count(Conflict) == 3
    assert len(await ring.list_keys()) == 2
    (again,) = [key for key in await ring.list_keys() if key.replaced_at is None]
    await ring.revoke(again.id)
    with pytest.raises(Conflict):
        await ring.rotate(again, grace_s=60, actor="ann")


async def test_revoking_a_name_ends_what_was_rotated_too(ring: KeyRing) -> None:
    raw, old = await ring.create("bot", Role.USER)
    fresh, _ = await ring.rotate(old, grace_s=3600, actor="ann")
    assert len(await ring.revoke("bot")) == 2
    assert await ring.find(raw) is None
    assert await ring.find(fresh) is None


async def test_uses_are_written_in_batches_and_at_the_end(open_store: OpenStore) -> None:
    before = time.time()
    async with KeyRing(open_store, touch_every_s=3600) as ring:
        raw, info = await ring.create("bot", Role.USER)
        await ring.create("idle", Role.USER)
        for _ in range(3):
            await ring.find(raw)
        assert all(key.last_used_at is None for key in await ring.list_keys())
    used = {key.name: key.last_used_at for key in await ring.list_keys()}
    assert used["idle"] is None
    assert used["bot"] is not None
    assert used["bot"] >= before
    assert info.last_used_at is None


async def test_uses_are_written_now_and_then(open_store: OpenStore) -> None:
    async with KeyRing(open_store, touch_every_s=0.01) as ring:
        raw, _ = await ring.create("bot", Role.USER)
        await ring.find(raw)
        deadline = time.monotonic() + 10
        while (await ring.list_keys())[0].last_used_at is None:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)


async def test_many_requests_ask_the_database_once(open_store: OpenStore) -> None:
    opened = 0

    def counted() -> KeyStore:
        nonlocal opened
        opened += 1
        return open_store()

    async with KeyRing(counted) as ring:
        raw, _ = await ring.create("bot", Role.USER)
        opened = 0
        found = await asyncio.gather(*(ring.find(raw) for _ in range(100)))
        assert all(isinstance(key, KeyInfo) for key in found)
        assert opened == 1
        await asyncio.gather(*(ring.find(new_key()) for _ in range(100)))
        assert opened == 1


async def test_keys_that_cannot_be_checked_open_nothing(
    ring: KeyRing, dal: AsyncDAL, caplog: pytest.LogCaptureFixture
) -> None:
    raw, _ = await ring.create("bot", Role.USER)

    def gone() -> KeyStore:
        raise Unavailable("the database is gone")

    ring._open_store = gone
    for _ in range(3):
        with pytest.raises(HttpError) as refused:
            await ring.find(raw)
        assert (refused.value.status, refused.value.error) == (503, "keys_unavailable")
    assert caplog.text.count("API keys cannot be checked") == 1, "not once a request"


async def test_scopes_are_kept_and_go_on_when_a_key_is_rotated(ring: KeyRing) -> None:
    raw, made = await ring.create("a", Role.USER, scopes=("core.labels", "core.analytics:read", "core.labels"))
    assert made.scopes == ("core.analytics:read", "core.labels")
    assert await ring.find(raw) == made
    _, turned = await ring.rotate(made, grace_s=1, actor="operator")
    assert turned.scopes == made.scopes
    assert {key.scopes for key in await ring.list_keys()} == {made.scopes}


@pytest.mark.parametrize(
    "scope", ["", "*", "analytics", "core.analytics:", "core.analytics:delete", "core.a core.b"]
)
async def test_scopes_that_make_no_sense_are_refused(ring: KeyRing, scope: str) -> None:
    with pytest.raises(ValueError, match="A scope is written"):
        await ring.create("a", Role.USER, scopes=(scope,))


def test_scopes_open_nothing_outside_of_modules() -> None:
    key = KeyInfo("1", "a", Role.ADMIN, "home", "", 0.0, "operator", scopes=("*:read", "core.labels"))
    assert key.reaches("/api/v1/core.labels/x", "DELETE")
    assert key.reaches("/api/v1/core.analytics/x", "HEAD")
    for path in (
        "/",
        "/metrics",
        "/api/v1/",
        "/api/v1",
        "/api/v1//core.labels",
        "/page",
        "/api/v1/core.labels2/x",
    ):
        assert not key.reaches(path, "POST")
    assert not key.reaches("/api/v1//core.labels", "GET")
