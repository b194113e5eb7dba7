"""What routes of signing in answer with lists."""

import msgspec

from waddlebot.core.identity.login import connect, passkeys, sign_in


class Sessions(msgspec.Struct):
    """The browsers that somebody is signed in with."""

    sessions: list[sign_in.SessionItem]


class Passkeys(msgspec.Struct):
    """The passkeys that somebody has."""

    passkeys: list[passkeys.PasskeyItem]


class Providers(msgspec.Struct):
    """The providers that one can sign in with."""

    providers: list[connect.ProviderItem]


class Ended(msgspec.Struct):
    """How many sessions were ended."""

    ended: int
