"""Accounts are counted as the people they belong to now. What is stored names accounts alone."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from waddlebot.libs.contracts.identity import Identity, PeopleRequest
from waddlebot.libs.sdk import CallError, Context, ServiceContext

GROUP_MAX = 1_000


class People:
    """Who has several accounts. All others count alone, in the database; these are put together here."""

    def __init__(self, groups: Iterable[Sequence[str]] = ()) -> None:
        self.person = {account: group[0] for group in groups for account in group}
        self.linked = json.dumps(sorted(self.person))

    def distinct(self, loners: Iterable[tuple[int, int]], linked: Iterable[tuple[int, str]]) -> Counter[int]:
        """People by bucket: so many loners in each, and the accounts of others."""
        found = Counter(dict(loners))
        found.update(bucket for bucket, _ in {(bucket, self.person[account]) for bucket, account in linked})
        return found

    def together[T](self, rows: Iterable[tuple[str, T]], join: Callable[[Sequence[T]], T]) -> dict[str, T]:
        """What is known of each person: of one account as it is, of several joined."""
        found: defaultdict[str, list[T]] = defaultdict(list)
        for account, value in rows:
            found[self.person.get(account, account)].append(value)
        return {person: values[0] if len(values) == 1 else join(values) for person, values in found.items()}


async def everybody(ctx: Context[Any, Any] | ServiceContext[Any, Any]) -> People:
    """All who have several accounts; nobody, while no one can tell: then accounts are counted."""
    try:
        return People((await ctx.use(Identity).people(PeopleRequest())).groups)
    except CallError as error:
        ctx.log.info("accounts are counted, for who belongs to whom is not known: %s", error)
        return People()


async def fellows(ctx: Context[Any, Any] | ServiceContext[Any, Any], accounts: Sequence[str]) -> tuple[str, ...]:
    """The accounts, and all that are linked with one of them as far as anybody can tell."""
    found = set(accounts)
    for start in range(0, len(accounts), GROUP_MAX):
        part = tuple(accounts[start : start + GROUP_MAX])
        try:
            found.update(
                one for group in (await ctx.use(Identity).people(PeopleRequest(part))).groups for one in group
            )
        except CallError as error:
            ctx.log.info("who belongs to whom is not known: %s", error)
    return tuple(sorted(found))
