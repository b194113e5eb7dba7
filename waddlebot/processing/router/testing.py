"""``!access test``: what the rules would decide of somebody who writes here now."""

import msgspec

from waddlebot.libs.contracts.identity import Account
from waddlebot.libs.sdk import Event, Rank, Refusal
from waddlebot.processing.router.deciding import NOTHING, facts_about, policy_of
from waddlebot.processing.router.engine import Router
from waddlebot.processing.router.view import DEPTH_MAX


async def tested(router: Router, event: Event, account: Account, typed: str) -> str:
    """Whether an account may use a command in the entity of an event, and why. Raises ``Refusal``."""
    view = router.views[event.community]
    line = typed.strip()
    found = view.find(line) or view.find(view.prefix + line) or view.find(view.community_prefix + line)
    entry = found[0] if found else None
    aliases: tuple[str, ...] = ()
    for _ in range(DEPTH_MAX):
        if entry is None or entry.alias is None:
            break
        aliases += (f"command:{entry.alias.name.lower()}",)
        behind = view.find(view.typed(entry.alias.table, entry.alias.line))
        entry = behind[0] if behind else None
    if entry is None or not entry.handler:
        raise Refusal(f"There is no command {line} here.")
    platform, _, user_id = account.account.partition(":")
    asking = msgspec.structs.replace(
        event, platform=platform, user_id=user_id, user_login=account.login, user_name=account.name, roles=(),
        data={}, source="",
    )  # fmt: skip
    ranks = int(Rank.VIEWER) | router.given(asking, view)
    policy = policy_of(view, entry, aliases)
    decided = None
    if policy is not None:
        accounts = tuple(router.fellows.get(account.account, (account.account,)))
        person = router.persons.get(account.account, account.account)
        known = await router.questions.ask(asking, person, accounts, policy.needs) if policy.needs else NOTHING
        decided = policy.decide(facts_about(router, view, asking, ranks, known), entry.least)
    by_rank = bool(ranks & entry.least)
    may = by_rank if decided is None else decided.may and (decided.admitted or by_rank)
    reason = decided.reason if decided else ""
    why = reason or ("no rule says otherwise" if may else "their rank here is not enough")
    return f"{account.name} {'may' if may else 'may not'} use {view.prefix}{entry.name}: {why}."
