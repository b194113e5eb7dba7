"""The foundation's conversation, the same in every topology."""

import asyncio

import pytest

from waddlebot.libs.testing.talk import WITHIN_S, Chat

pytestmark = pytest.mark.asyncio(loop_scope="session")

MOD = ("moderator",)


async def test_help_says_what_there_is_and_explains(chat: Chat) -> None:
    chat.say("!help")
    await chat.hears("Say !help <command> about one of: …!commands…!stats…")
    chat.say("!commands", as_="mod", roles=MOD)
    await chat.hears("Commands: …!ban…")
    chat.say("!help help")
    await chat.hears("Usage: !help […] — Explain a command, or say what there is.")
    chat.say("!help nothing")
    await chat.hears("There is no command !nothing here…")
    chat.say("hello everybody")
    await chat.hears_nothing()


async def test_ranks_are_asked_for(chat: Chat) -> None:
    chat.say("!rule list")
    await chat.hears("@ann Only moderator and above may use !rule list.")
    chat.say("!rule list", as_="mod", roles=MOD)
    await chat.hears("There are no rules yet.")
    chat.say("!module off core.reputation", as_="mod", roles=MOD)
    await chat.hears("@mod Only admin and above may use !module off.")


async def test_who_is_refused_is_told_once(chat: Chat) -> None:
    chat.say("!rule list")
    await chat.hears("@ann Only moderator…")
    chat.say("!rule list")
    await chat.hears_nothing()


async def test_a_word_alone_says_which_words_may_follow(chat: Chat) -> None:
    outcome = await chat.say("!rule", as_="mod", roles=MOD)
    assert outcome.status == "refused"
    await chat.hears("@mod … add|del|delete|edit|list|options|remove|show…")


async def test_ownership_switches_and_undo_by_hand(chat: Chat) -> None:
    await chat.own("boss")
    chat.say("!module off core.reputation", as_="boss")
    await chat.hears("core.reputation is off now…")
    chat.say("!reputation", as_="boss")
    await chat.hears_nothing(within_s=WITHIN_S)
    chat.say("!module on core.reputation", as_="boss")
    await chat.hears("core.reputation is on now.")
    chat.say("!reputation", as_="boss")
    await chat.hears("…(fair)…", within_s=WITHIN_S)
    chat.say("!module off processing.router", as_="boss")
    await chat.hears("processing.router cannot be switched off…")


async def test_prefixes(chat: Chat) -> None:
    await chat.own("boss")
    chat.say("!prefix ?", as_="boss")
    await chat.hears("Commands start with ? now.")
    chat.say("?prefix", as_="boss")
    await chat.hears("Commands start with ?…", within_s=WITHIN_S)
    chat.say("!prefix", as_="boss")
    await chat.hears_nothing()


async def test_overrides_hold_for_every_word_of_a_command(chat: Chat) -> None:
    await chat.own("boss")
    chat.say("!permcom commands moderator", as_="boss")
    await chat.hears("commands is for moderators and above now.")
    chat.say("!cmds", as_="ann")
    await chat.hears("@ann Only moderator and above may use !commands.", within_s=WITHIN_S)
    chat.say("!disablecom commands", as_="boss")
    await chat.hears("commands is disabled.")
    chat.say("!botcommands", as_="boss")
    await chat.hears_nothing(within_s=WITHIN_S)
    chat.say("!renamecom stats numbers", as_="boss")
    await chat.hears("stats is called numbers now.")
    chat.say("!numbers", as_="boss")
    await chat.hears("Up …", within_s=WITHIN_S)
    chat.say("!stats", as_="boss")
    await chat.hears_nothing()


async def test_cooldowns(chat: Chat) -> None:
    chat.say("!coolcom stats user=1h", as_="mod", roles=MOD)
    await chat.hears("stats can be used every 0 s, and by one person every 3600 s.")
    chat.say("!stats", as_="ann")
    await chat.hears("@ann Wait another 3600 s for !stats.", within_s=WITHIN_S)
    chat.say("!stats", as_="ann")
    await chat.hears_nothing()
    chat.say("!stats", as_="mod", roles=MOD)
    await chat.hears("Up …")


async def test_string_rules(chat: Chat) -> None:
    chat.say('!rule add spam contains warn "buy now" No advertising!', as_="mod", roles=MOD)
    await chat.hears("The rule spam holds now…")
    chat.say("Buy NOW, cheap")
    await chat.hears("No advertising!", within_s=WITHIN_S)
    chat.say("buy now", as_="mod", roles=MOD)
    await chat.hears_nothing()
    chat.say('!rule add what word reply rules "Be kind."', as_="mod", roles=MOD)
    await chat.hears("The rule what holds now…")
    chat.say("what are the rules here?")
    await chat.hears('"Be kind."', within_s=WITHIN_S)
    chat.say("!rule remove spam", as_="mod", roles=MOD)
    await chat.hears("The rule spam is gone.")
    chat.say("buy now")
    await chat.hears_nothing(within_s=WITHIN_S)


async def test_why(chat: Chat) -> None:
    outcome = await chat.say("!rule list")
    await chat.hears("@ann Only moderator…")
    chat.say("!why @ann", as_="mod", roles=MOD)
    await chat.hears("The command rule list was refused: only for moderator and above. […]")
    chat.say(f"!why {outcome.event_id}", as_="mod", roles=MOD)
    await chat.hears("The command rule list was refused: only for moderator and above. […]")
    chat.say("!why unheard-of", as_="mod", roles=MOD)
    await chat.hears("Nothing is known of the event unheard-of…")


async def test_one_person_is_answered_in_order_and_others_at_the_same_time(chat: Chat) -> None:
    lines = [
        {
            "id": f"order-{n}", "kind": "chat.message", "platform": "test", "server": "net",
            "channel": chat.channel, "user_id": "mod", "roles": MOD, "text": f"!rule add r{n} word reply w{n} {n}",
        }
        for n in range(8)
    ]  # fmt: skip
    lines.append({**lines[0], "id": "order-list", "text": "!rule list"})
    outcomes = await chat.post(lines)
    listed = outcomes[-1].replies[0].text
    assert [f"r{n} (" in listed for n in range(8)] == [True] * 8, listed


async def test_late_events_count_and_are_not_answered(chat: Chat) -> None:
    outcome = await chat.say("!help", occurred_at=1_000_000_000)
    assert (outcome.status, outcome.replies) == ("ignored", []) or outcome.status == "refused"
    assert "late" in outcome.reason
    await chat.hears_nothing()


async def test_a_repeated_id_gets_the_stored_reply_and_no_second_effect(chat: Chat) -> None:
    first = await chat.say("!rule add x word reply hello Hi!", as_="mod", roles=MOD)
    await chat.hears("The rule x holds now…")
    chat.say("!rule remove x", as_="mod", roles=MOD)
    await chat.hears("The rule x is gone.")
    again = await chat.say("!rule add x word reply hello Hi!", as_="mod", roles=MOD, id=first.event_id)
    assert again == first
    await chat.hears("The rule x holds now…")
    chat.say("!rule list", as_="mod", roles=MOD)
    await chat.hears("There are no rules yet.")


async def test_many_speak_at_once(chat: Chat) -> None:
    saying = [chat.say("!help", as_=f"user{n}") for n in range(20)]
    outcomes = await asyncio.gather(*saying)
    assert {outcome.status for outcome in outcomes} == {"answered"}
    for _ in saying:
        await chat.hears("Say !help <command>…")
