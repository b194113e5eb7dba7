"""Answers of custom APIs, JavaScript, and links."""

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from waddlebot.libs.templates.levels import level_of
from waddlebot.libs.templates.ports import Fetched, Service
from waddlebot.libs.templates.scope import Scope
from waddlebot.libs.templates.variables.variable import Shape, Variable, absent

NIGHTBOT_TEXT_MAX = 400
"""Characters of a plain answer that Nightbot shows (docs.nightbot.tv/variables/urlfetch)."""

JSON_MAX = 65_536
"""Characters of `$(urlfetch json …)`, which is meant for `$(eval …)`."""

_NEEDS = frozenset({Service.FETCH})


def nightbot_headers(scope: Scope) -> Mapping[str, str]:
    """Who asked and where, as Nightbot tells custom APIs; nothing unless the scope allows it.

    (docs.nightbot.tv/variables/urlfetch, "Headers". Timers have no user, and send none.)
    """
    if not scope.tell_identity:
        return {}
    user, place = scope.user, scope.place
    provider = {"provider": place.provider}
    headers = {
        "Nightbot-Channel": urlencode(
            {"name": place.login, "displayName": place.name or place.login}
            | provider
            | {"providerId": place.provider_id}
        )
    }
    if user.login or user.name:
        level = {"userLevel": level_of("nightbot", user.ranks)}
        named = {"name": user.login, "displayName": user.name}
        headers["Nightbot-User"] = urlencode(named | provider | {"providerId": user.id} | level)
    if scope.response_url:
        headers["Nightbot-Response-Url"] = scope.response_url
    return headers


async def _fetch(scope: Scope, url: str) -> Fetched:
    if scope.ports.fetch is None:
        raise absent(Service.FETCH)
    return await scope.ports.fetch.get(url.strip(), nightbot_headers(scope))


def is_json(text: str) -> bool:
    """Whether the argument of `urlfetch` starts with its word `json`."""
    return text.lstrip().lower().startswith("json ")


async def _urlfetch(scope: Scope, args: list[str]) -> str:
    json = is_json(args[0])
    fetched = await _fetch(scope, args[0].lstrip()[5:] if json else args[0])
    if not 200 <= fetched.status < 300:
        return f"Remote Server Returned Code {fetched.status}"
    return fetched.text if json else " ".join(fetched.text.split())[:NIGHTBOT_TEXT_MAX]


async def _customapi(scope: Scope, args: list[str]) -> str:
    fetched = await _fetch(scope, args[0])
    return " ".join(fetched.text.split()) if fetched.status == 200 else "Unable to make request"


async def _eval(scope: Scope, args: list[str]) -> str:
    if scope.ports.javascript is None:
        raise absent(Service.JAVASCRIPT)
    return await scope.ports.javascript.run(args[0], scope.random.randint(0, 2**32 - 1))


VARIABLES = (
    Variable(
        "urlfetch",
        "The text that a URL answers with; after the word json, as it is, for use in eval.",
        ask=_urlfetch,
        native="urlfetch",
        nightbot="urlfetch customapi",
        shape=Shape.TEXT,
        needs=_NEEDS,
        value_max=JSON_MAX,
    ),
    Variable(
        "customapi",
        "The text that a URL answers with, if its status is 200.",
        ask=_customapi,
        native="customapi",
        streamelements="customapi urlfetch readapi",
        shape=Shape.TEXT,
        needs=_NEEDS,
        dotted=True,
    ),
    Variable(
        "eval",
        "The last value of a JavaScript program.",
        ask=_eval,
        nightbot="eval",
        shape=Shape.CODE,
        needs=frozenset({Service.JAVASCRIPT}),
    ),
    Variable(
        "tweet",
        "A link that opens a new post with this text.",
        lambda scope, args: f"https://twitter.com/intent/tweet?text={quote(args[0], safe='')}",
        native="tweet",
        nightbot="tweet",
        shape=Shape.TEXT,
    ),
)
