"""What core.identity promises."""

from typing import Any

import msgspec

from waddlebot.libs.sdk.context import Context
from waddlebot.libs.sdk.contract import Contract
from waddlebot.libs.sdk.reply import Refusal


class Account(msgspec.Struct, frozen=True):
    """A platform account as last seen: ``account`` is ``platform:user_id``, ``person`` whom it belongs to."""

    account: str
    login: str
    name: str
    person: str


class LookupRequest(msgspec.Struct, frozen=True):
    """Accounts by login on one platform; at most 1,000.

    With ``server`` only those that were seen there: on IRC one nick is somebody else on each network. A login
    changes hands on most platforms, so it may have been several accounts': found is one that has a reputation in
    the asking community, whom people there mean, and among equals the one that had it last.
    """

    platform: str
    logins: tuple[str, ...]
    server: str = ""


class Accounts(msgspec.Struct, frozen=True):
    """The accounts that are known; unknown logins are left out."""

    items: tuple[Account, ...]


class PeopleRequest(msgspec.Struct, frozen=True):
    """The people of some accounts (at most 1,000), or everybody's."""

    accounts: tuple[str, ...] = ()


class People(msgspec.Struct, frozen=True):
    """The accounts of each person who has several, sorted; the first of them names the person."""

    groups: tuple[tuple[str, ...], ...]


class SeenRequest(msgspec.Struct, frozen=True):
    """Some accounts; at most 1,000."""

    accounts: tuple[str, ...]


class SeenAccounts(msgspec.Struct, frozen=True):
    """Those of the accounts that were ever seen anywhere, in the order they were asked."""

    accounts: tuple[str, ...]


class Identity(Contract):
    """Accounts and the people they belong to."""

    async def lookup(self, request: LookupRequest) -> Accounts:
        """Find accounts by login."""
        raise NotImplementedError

    async def people(self, request: PeopleRequest) -> People:
        """Which accounts belong together."""
        raise NotImplementedError

    async def seen(self, request: SeenRequest) -> SeenAccounts:
        """Which of some accounts were ever seen."""
        raise NotImplementedError


async def find_account(ctx: Context[Any, Any], login: str) -> Account:
    """The account that a user named in chat, on the platform and server they wrote on.

    Raises ``Refusal`` for a login nobody was seen with.
    """
    event = ctx.event
    found = await ctx.use(Identity).lookup(LookupRequest(event.platform, (login,), event.server))
    if not found.items:
        raise Refusal(f"I have not seen {login} on {event.platform} yet. Ask again when they have written here.")
    return found.items[0]
