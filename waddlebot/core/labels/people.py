"""Which accounts are one person's, asked of who knows."""

from collections.abc import Iterable, Sequence
from itertools import batched
from typing import Any

from waddlebot.libs.contracts.identity import Identity, PeopleRequest
from waddlebot.libs.sdk import Context, ServiceContext

_ACCOUNTS_MAX = 1_000  # in one call of Identity.people


async def people_of(
    ctx: Context[Any, Any] | ServiceContext[Any, Any], accounts: Iterable[str], community: str = ""
) -> dict[str, tuple[str, ...]]:
    """All accounts of the person by each of the accounts that is linked with others.

    Raises ``CallError`` where nobody can tell: who takes a label off must not leave it on another account.
    """
    found: dict[str, tuple[str, ...]] = {}
    for part in batched(sorted(set(accounts)), _ACCOUNTS_MAX, strict=False):
        identity = ctx.use(Identity, community) if isinstance(ctx, ServiceContext) else ctx.use(Identity)
        for group in (await identity.people(PeopleRequest(tuple(part)))).groups:
            found.update(dict.fromkeys(group, group))
    return found


def everybody(accounts: Sequence[str], people: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The accounts and all that are linked with them."""
    return tuple({one: None for account in accounts for one in people.get(account, (account,))})
