"""My data on the bot's pages, by the links that chat gives, and for the operator."""

import secrets
from collections.abc import AsyncGenerator

import msgspec

from waddlebot.core.identity.linking import EVERYBODY
from waddlebot.core.identity.login.desk import Desk, Request, email_of, fresh, note, store_of, visitor_of
from waddlebot.core.identity.mydata import Deleted, Export, exported, forgotten
from waddlebot.core.identity.store import EXPORTS, IdentityStore
from waddlebot.libs.sdk import Person
from waddlebot.libs.web import Download, HttpError
from waddlebot.libs.web.answers import Page
from waddlebot.libs.web.sessions import digest_of

_FILE = "my-data.json"
_OF_OWN_ORIGIN = (("Referrer-Policy", "same-origin"),)
"""Under ``no-referrer`` browsers send the form with ``Origin: null``, as if another site's page had sent it."""
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Your data</title></head><body>
<h1>Your data</h1>
<p>All that the bot holds about you, as a file. This link works once.</p>
<form method="post"><button>Download</button></form>
</body></html>
"""


class Sure(msgspec.Struct):
    """``yes``: all that is held about you is to be deleted, and cannot be had back."""

    yes: bool


async def export(ctx: Request) -> Export:
    """All that is held about who is signed in."""
    found = await exported(ctx, await _visitor(ctx))
    note(ctx, "mydata_export", "OK", visitor_of(ctx).user)
    return found


async def forget(ctx: Request, body: Sure) -> Deleted:
    """Delete all that is held about who is signed in, and proved it lately."""
    visitor = fresh(ctx)
    if not body.yes:
        raise HttpError(400, "not_sure", "Nothing was deleted. To delete all of it, send yes: true.")
    person = await _visitor(ctx)
    note(ctx, "mydata_forget", "OK", visitor.user)
    return await forgotten(ctx, person, secrets.token_hex(8))


async def _visitor(ctx: Request) -> Person:
    visitor = visitor_of(ctx)
    return await _store(ctx).person(visitor.accounts, visitor.user)


async def link_page(ctx: Request, desk: Desk) -> Page:
    """A page with a button: programs that look at every link they see must not use it up."""
    desk.begin(ctx.address)
    if await store_of(ctx).ticket(digest_of(ctx.path["token"]), EXPORTS, ctx.now()) is None:
        raise _no_link()
    return Page(_PAGE, headers=_OF_OWN_ORIGIN)


async def link_download(ctx: Request, desk: Desk) -> Download:
    """What the link is for, once."""
    desk.admit(ctx.address)
    ticket = await store_of(ctx).take_ticket(digest_of(ctx.path["token"]), EXPORTS, ctx.now())
    if ticket is None:
        raise _no_link()
    found = await exported(ctx, msgspec.json.decode(ticket.data, type=Person))
    note(ctx, "mydata_download", "OK")
    return Download(_whole(msgspec.json.format(msgspec.json.encode(found))), "application/json", _FILE)


async def _whole(body: bytes) -> AsyncGenerator[bytes]:
    yield body


async def export_of(ctx: Request, who: str) -> Export:
    """For the operator: all that is held about an account's person, or a user."""
    person = await _of(ctx, who)
    note(ctx, "mydata_export", "OK", account=who)
    return await exported(ctx, person)


async def forget_of(ctx: Request, who: str) -> Deleted:
    """For the operator: delete it."""
    person = await _of(ctx, who)
    note(ctx, "mydata_forget", "OK", account=who)
    return await forgotten(ctx, person, secrets.token_hex(8))


async def _of(ctx: Request, who: str) -> Person:
    if not ctx.is_operator or ctx.community:
        raise HttpError(403, "operator_only", "Only the operator may: waddlebot mydata export or forget.")
    store = _store(ctx)
    if ":" in who:
        return await store.person_of_operator(who)
    user = await (store.user_by_email(email_of(who)) if "@" in who else store.user(who))
    if user is None:
        raise HttpError(
            404, "nobody", f"There is no user {who}; an account is written platform:id, such as twitch:1234."
        )
    return await store.person((), user.id)


def _store(ctx: Request) -> IdentityStore:
    store = ctx.store_in(EVERYBODY)
    assert isinstance(store, IdentityStore)  # noqa: S101  for the type checker
    return store


def _no_link() -> HttpError:
    return HttpError(
        404, "no_link", "This link was used, or is older than 10 minutes. Type mydata export in chat for another."
    )
