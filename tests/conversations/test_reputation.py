"""Why a score is what it is, what follows from it, and how it is taken back. The same in every topology."""

import pytest

from waddlebot.libs.testing.talk import WITHIN_S, Chat

pytestmark = pytest.mark.asyncio(loop_scope="session")

MOD = ("moderator",)
LATER_S = 4 * WITHIN_S
"""Events are counted in batches, a job looks at who was punished, and routers hear of what it did."""


async def test_a_score_is_explained_adjusted_and_appealed(chat: Chat) -> None:
    bob = f"bob-{chat.community}"
    await chat.own("boss")
    chat.say("!setting set reputation policy_restrict on", as_="boss")
    await chat.hears("core.reputation: policy_restrict = on now.")
    chat.say("hello", as_=bob)
    chat.say(f"!reputation adjust {bob} -60 rude to newcomers", as_="mod", roles=MOD)
    await chat.hears(f"{bob} has 540.0 now: −60.0 for “rude to newcomers”.", within_s=LATER_S)
    chat.say("!reputation why", as_=bob)
    await chat.hears(f"{bob}: 540.0 (poor) = 600 −60.0 for 1 moderator's adjustment…(rude to newcomers).")
    punished = {"target_id": bob, "target_login": bob, "reason": "spam"}
    for _ in range(2):
        await chat.say("", as_="mod", kind="member.timed_out", data=punished)
    chat.say("!command add !pie Pie!", as_="mod", roles=MOD)
    await chat.hears("Saved !pie.")
    chat.say("!pie", as_="mod", roles=MOD)
    await chat.hears("Pie!", within_s=LATER_S)
    chat.say("!pie", as_=bob)
    await chat.hears_nothing(within_s=LATER_S)
    chat.say("!appeal I am sorry", as_=bob)
    # A router may hear of the act before the replica that the command reads.
    await chat.hears("Your appeal … against the restriction is with the moderators.", within_s=LATER_S)
    chat.say(f"!appeals accept {bob} once", as_="mod", roles=MOD)
    await chat.hears(f"The appeal of {bob} is accepted for “once”: the restriction is undone.")
    chat.say("!pie", as_=bob)
    await chat.hears("Pie!", within_s=LATER_S)
