"""The words that generated chat and string rules are made of."""

import random

# What chat says most, the most frequent first.
COMMON = (  # noqa: SIM905 - a list of so many literals is harder to read
    "the i you a to is it and that this of in for my on so lol what not be he was just have me no "
    "like are do good yes but we game with can at get your go how all chat if up now one out they im "
    "know why not time best play dont when more love hi hello stream thanks gg really too or man see "
    "there thats from think let want need got some here as bro well nice oh back still who lets did "
    "make would could first even day never right new always ever again only going been people over "
    "they're stop look way ok wait oh his her him boss run next last team win lose level song clip "
    "hype pog sorry please welcome everyone tonight tomorrow watching playing streamer mods follow"
).split()
# Common chat words of many scripts, with combining marks and emoji beyond the BMP.
NON_ASCII = (  # noqa: SIM905 - a list of so many literals is harder to read
    "привет спасибо хорошо почему стрим игра 你好 哈哈哈哈 主播 加油 谢谢 "
    "こんにちは かわいい すごい 草 ありがとう "
    "안녕하세요 ㅋㅋㅋㅋ 감사합니다 대박 좋아요 مرحبا شكرا جميل שלום תודה สวัสดี ขอบคุณ नमस्ते धन्यवाद "
    "ευχαριστώ γεια größer schön müde straße français déjà ça où señor mañana corazón "
    "você não obrigação żółw dzięki teşekkürler güzel chào cảm ơn e\u0301te\u0301 "
    "man\u0303ana 😂 😂😂😂 ❤️ 🔥 👋🏽 👨‍👩‍👧 🇩🇪 🎉 😭 💀"
).split()
EMOTES = (  # Twitch's global emotes: (id, name)
    ("25", "Kappa"),
    ("425618", "LUL"),
    ("305954156", "PogChamp"),
    ("86", "BibleThump"),
    ("58765", "NotLikeThis"),
    ("41", "Kreygasm"),
    ("30259", "HeyGuys"),
    ("354", "4Head"),
    ("28087", "WutFace"),
    ("emotesv2_dc24652ada1e4c84a5e3ceebae4de709", "TwitchConHYPE"),
)
LINKS = (
    "https://clips.twitch.tv/{key}",
    "https://www.youtube.com/watch?v={key}",
    "https://www.twitch.tv/videos/{key}",
    "discord.gg/{key}",
    "https://example.com/news/2026/{key}?ref=chat#top",
)
SYLLABLES = (  # noqa: SIM905 - a list of so many literals is harder to read
    "ba ce di fo gu ha je ki lo mu na pe ri so tu va we xi yo zu bran clem dorf fiz glint hask morv "
    "plen quor stig wim zell"
).split()


def invented(rng: random.Random, count: int, syllables: int) -> list[str]:
    """Return `count` different pronounceable words of so many syllables."""
    if count > len(SYLLABLES) ** syllables // 2:
        raise ValueError(f"{count} different words need more than {syllables} syllables")
    words: dict[str, None] = {}
    while len(words) < count:
        words["".join(rng.choices(SYLLABLES, k=syllables))] = None
    return list(words)
