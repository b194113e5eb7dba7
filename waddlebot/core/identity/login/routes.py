"""The doors of signing in. Pages of other sites can use none of them."""

from typing import Any

import msgspec

from waddlebot.core.identity.login import codes, connect, passkeys, profile, sign_in
from waddlebot.core.identity.login.desk import Desk
from waddlebot.core.identity.state import State
from waddlebot.libs.sdk import Module, RouteContext
from waddlebot.libs.web.answers import Page

type Request = RouteContext[Any, Any]


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


def declare(module: Module) -> None:
    """All routes of signing in."""
    _sign_in(module)
    _sessions(module)
    _codes(module)
    _passkeys(module)
    _accounts(module)
    _providers(module)


def desk_of(ctx: Request) -> Desk:
    """The desk of this host."""
    return ctx.state(State).desk


def _sign_in(module: Module) -> None:
    @module.route("POST", "/login", role=None, browser=True)
    async def login(ctx: Request, body: sign_in.Credentials) -> sign_in.SignedIn:
        """Sign in with e-mail address and password; where a code is asked for, POST /login/code comes next."""
        return await sign_in.with_password(ctx, desk_of(ctx), body)

    @module.route("POST", "/login/code", role=None, browser=True)
    async def login_code(ctx: Request, body: sign_in.SecondStep) -> sign_in.SignedIn:
        """Finish signing in with a code of the authenticator app, or a recovery code."""
        return await sign_in.with_code(ctx, desk_of(ctx), body)

    @module.route("POST", "/password/reset", role=None, browser=True)
    async def password_reset(ctx: Request, body: sign_in.Reset) -> None:
        """Set a password by the code that the operator gave you."""
        await sign_in.reset(ctx, desk_of(ctx), body)

    @module.route("POST", "/proof", role=None, session=True)
    async def proof(ctx: Request, body: sign_in.Proof) -> sign_in.SignedIn:
        """Prove again who you are, before you change how you sign in."""
        return await sign_in.prove(ctx, desk_of(ctx), body)

    @module.route("POST", "/password", role=None, session=True)
    async def password(ctx: Request, body: sign_in.NewPassword) -> sign_in.SignedIn:
        """Change your password; all your other sessions end."""
        return await sign_in.change_password(ctx, desk_of(ctx), body)

    @module.route("POST", "/logout", role=None, session=True)
    async def logout(ctx: Request) -> None:
        """Sign out."""
        await sign_in.sign_out(ctx, desk_of(ctx))


def _sessions(module: Module) -> None:
    @module.route("GET", "/session", role=None, session=True)
    async def session(ctx: Request) -> profile.Me:
        """Show who is signed in, and how they may sign in."""
        return await profile.me(ctx, desk_of(ctx))

    @module.route("GET", "/sessions", role=None, session=True)
    async def sessions(ctx: Request) -> Sessions:
        """List your sessions."""
        return Sessions(await sign_in.sessions(ctx))

    @module.route("DELETE", "/sessions", role=None, session=True)
    async def end_sessions(ctx: Request) -> Ended:
        """End all your sessions but this one."""
        return Ended(await sign_in.end_others(ctx))

    @module.route("DELETE", "/sessions/{session}", role=None, session=True)
    async def end_session(ctx: Request) -> None:
        """End one of your sessions."""
        await sign_in.end_session(ctx, ctx.path["session"])


def _codes(module: Module) -> None:
    @module.route("POST", "/totp", role=None, session=True)
    async def totp(ctx: Request) -> codes.TotpOffer:
        """Begin to enrol an authenticator app; POST /totp/confirm with a code of it comes next."""
        return await codes.begin(ctx, desk_of(ctx))

    @module.route("POST", "/totp/confirm", role=None, session=True)
    async def totp_confirm(ctx: Request, body: codes.TotpCode) -> codes.RecoveryCodes:
        """Show that the app works; from then on it is asked for. Answers with recovery codes, this once."""
        return await codes.confirm(ctx, desk_of(ctx), body)

    @module.route("DELETE", "/totp", role=None, session=True)
    async def totp_remove(ctx: Request) -> None:
        """Remove your authenticator app and your recovery codes."""
        await codes.remove(ctx)

    @module.route("POST", "/recovery", role=None, session=True)
    async def recovery(ctx: Request) -> codes.RecoveryCodes:
        """Get new recovery codes, shown this once; those before open nothing any more."""
        return await codes.renew_codes(ctx, desk_of(ctx))


def _passkeys(module: Module) -> None:
    @module.route("POST", "/login/passkey/options", role=None, browser=True)
    async def passkey_options(ctx: Request) -> passkeys.Challenge:
        """Begin to sign in with a passkey."""
        return await passkeys.begin_login(ctx, desk_of(ctx))

    @module.route("POST", "/login/passkey", role=None, browser=True)
    async def passkey_login(ctx: Request, body: passkeys.Assertion) -> sign_in.SignedIn:
        """Sign in with a passkey."""
        return await passkeys.login(ctx, desk_of(ctx), body)

    @module.route("POST", "/passkeys/options", role=None, session=True)
    async def passkey_offer(ctx: Request) -> passkeys.Challenge:
        """Begin to enrol a passkey."""
        return await passkeys.begin_enrolment(ctx, desk_of(ctx))

    @module.route("POST", "/passkeys", role=None, session=True)
    async def passkey_enrol(ctx: Request, body: passkeys.Enrolment) -> passkeys.PasskeyItem:
        """Enrol a passkey."""
        return await passkeys.enrol(ctx, desk_of(ctx), body)

    @module.route("GET", "/passkeys", role=None, session=True)
    async def passkey_list(ctx: Request) -> Passkeys:
        """List your passkeys."""
        return Passkeys(await passkeys.listed(ctx))

    @module.route("DELETE", "/passkeys/{id}", role=None, session=True)
    async def passkey_remove(ctx: Request) -> None:
        """Remove one of your passkeys."""
        await passkeys.remove(ctx, ctx.path["id"])


def _accounts(module: Module) -> None:
    @module.route("POST", "/accounts/code", role=None, session=True)
    async def account_code(ctx: Request) -> profile.ChatCode:
        """Get a code that connects the account with which it is typed in chat."""
        return await profile.chat_code(ctx, desk_of(ctx))

    @module.route("DELETE", "/accounts/{account}", role=None, session=True)
    async def account_remove(ctx: Request) -> None:
        """Take one of your accounts out of your sign-in."""
        await profile.unlink(ctx, ctx.path["account"])


def _providers(module: Module) -> None:
    @module.route("GET", "/providers", role=None)
    async def providers(ctx: Request) -> Providers:
        """List the providers that one can sign in with."""
        return Providers(connect.listed(desk_of(ctx)))

    @module.route("POST", "/login/oauth/{provider}", role=None, browser=True)
    async def oauth_login(ctx: Request, body: connect.Begin) -> connect.Away:
        """Begin to sign in with an account of a provider; the browser goes to the answer's URL."""
        return await connect.begin_login(ctx, desk_of(ctx), ctx.path["provider"], body)

    @module.route("GET", "/oauth/{provider}", role=None, browser=True)
    async def oauth_back(ctx: Request) -> Page:
        """Come back from a provider, and go on to where one wanted."""
        return await connect.back(ctx, desk_of(ctx), ctx.path["provider"])

    @module.route("POST", "/identities/{provider}", role=None, session=True)
    async def identity_connect(ctx: Request, body: connect.Begin) -> connect.Away:
        """Begin to connect an account of a provider, which then signs you in."""
        return await connect.begin_connect(ctx, desk_of(ctx), ctx.path["provider"], body)

    @module.route("DELETE", "/identities/{provider}", role=None, session=True)
    async def identity_remove(ctx: Request) -> None:
        """Take your accounts at a provider out of your sign-in; what they proved stays."""
        await connect.disconnect(ctx, desk_of(ctx), ctx.path["provider"])
