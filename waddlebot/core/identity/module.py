"""Identity: the accounts that were seen, and the people they belong to. Start here."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

from waddlebot.core.identity import keys, linking, mydata, mydata_http
from waddlebot.core.identity.linking import EVERYBODY
from waddlebot.core.identity.login import answers, codes, connect, passkeys, profile, sign_in
from waddlebot.core.identity.login.config import LoginConfig
from waddlebot.core.identity.login.desk import Desk
from waddlebot.core.identity.login.store import TOUCH_S
from waddlebot.core.identity.seen import Seen
from waddlebot.core.identity.state import State
from waddlebot.core.identity.store import IdentityStore
from waddlebot.libs.contracts.identity import (
    Accounts,
    Identity,
    LookupRequest,
    People,
    PeopleRequest,
    SeenAccounts,
    SeenRequest,
)
from waddlebot.libs.contracts.login import Logins, SessionAnswer, SessionRequest
from waddlebot.libs.contracts.reputation import KnownRequest, Reputation
from waddlebot.libs.sdk import (
    BatchContext,
    CallError,
    Context,
    Crowd,
    Field,
    Login,
    Module,
    Person,
    Rank,
    Reply,
    Role,
    RouteContext,
    ServiceContext,
    Tables,
)
from waddlebot.libs.web import Download
from waddlebot.libs.web.answers import Page

NAMES_MAX = 1_000
"""Logins or accounts in one call."""

type Ctx = ServiceContext[None, IdentityStore]
type Typed = Context[None, IdentityStore]
type Request = RouteContext[None, IdentityStore]

module = Module(
    __name__,
    "Know the accounts that were seen, and the people they belong to.",
    http_port=8050,
    grpc_port=50030,
    config=LoginConfig,
    store=IdentityStore,
    uses=(Reputation,),
    always_on=True,
)


@module.starts
@asynccontextmanager
async def remember(ctx: Ctx) -> AsyncIterator[State]:
    """Keep in memory whom the database knows already, and open the desk where people sign in."""
    async with Desk(ctx.config, ctx.secret, ctx.now) as desk:
        yield State(Seen(), desk)


@module.observe("*", into=Crowd)
async def see(ctx: BatchContext[None, IdentityStore], crowd: Crowd) -> None:
    """Write down the accounts that are new, renamed, or not written lately."""
    written, now = ctx.state(State).seen, ctx.now()
    if news := written.news(crowd, now):
        await ctx.store_in(EVERYBODY).saw(news, now)
        written.wrote(news)


# What people type


@module.command("identity", user_cooldown_s=5, by_hand=True)
async def show(ctx: Typed) -> Reply:
    """Show which of your accounts are linked."""
    return await linking.shown(ctx)


@module.command("identity link", user_cooldown_s=5, by_hand=True)
async def link(ctx: Typed, platform: str, name: Login, server: str | None = None) -> Reply:
    """Ask for a code that links another account of yours: it is typed there, with verify."""
    return await linking.asked(ctx, platform.lower(), name, server or "")


@module.command("verify", by_hand=True)
async def verify(
    ctx: Typed, code: str, yes: Annotated[str | None, Field("that you are sure", choices=("yes",))] = None
) -> Reply:
    """Link this account with the one that asked for the code, once you are sure."""
    return await linking.verified(ctx, code, bool(yes))


@module.command("identity unlink", user_cooldown_s=5, by_hand=True)
async def unlink(
    ctx: Typed, platform: str | None = None, name: Login | None = None, server: str | None = None
) -> Reply:
    """Take this account, or another one of yours, out of those that are linked."""
    return await linking.parted(ctx, (platform or "").lower(), name or "", server or "")


@module.command("login", user_cooldown_s=5, by_hand=True)
async def login(
    ctx: Typed, code: str, yes: Annotated[str | None, Field("that you are sure", choices=("yes",))] = None
) -> Reply:
    """Connect this account with your sign-in on the bot's pages, by the code you get there."""
    return await profile.redeemed(ctx, ctx.state(State).desk, code, bool(yes))


# What is held about people


@module.command("mydata", user_cooldown_s=10, by_hand=True, timeout_s=30.0)
async def my_data(ctx: Typed) -> Reply:
    """Tell how much the bot holds about you, and how to get or delete it."""
    return await mydata.summed(ctx)


@module.command("mydata export", user_cooldown_s=30, by_hand=True)
async def my_data_export(ctx: Typed) -> Reply:
    """Get all that the bot holds about you, by a link for you alone."""
    return await mydata.asked_for(ctx)


@module.command("mydata forget", by_hand=True, timeout_s=60.0)
async def my_data_forget(ctx: Typed, code: str | None = None) -> Reply:
    """Delete all that the bot holds about you, by a code that you are given first."""
    return await mydata.deleted(ctx, code or "")


@module.route("GET", "/mydata", role=None, session=True)
async def get_my_data(ctx: Request) -> mydata.Export:
    """Get all that is held about you."""
    return await mydata_http.export(ctx)


@module.route("POST", "/mydata/forget", role=None, session=True)
async def forget_my_data(ctx: Request, body: mydata_http.Sure) -> mydata.Deleted:
    """Delete all that is held about you; you proved lately who you are."""
    return await mydata_http.forget(ctx, body)


@module.route("GET", "/mydata/link/{token}", role=None, browser=True)
async def my_data_page(ctx: Request) -> Page:
    """Show the page of a link that chat gave."""
    return await mydata_http.link_page(ctx, ctx.state(State).desk)


@module.route("POST", "/mydata/link/{token}", role=None, browser=True)
async def my_data_download(ctx: Request) -> Download:
    """Download what the link is for, once."""
    return await mydata_http.link_download(ctx, ctx.state(State).desk)


@module.route("GET", "/people/data/{who}", role=Role.ADMIN, installation_keys=True)
async def get_data_of(ctx: Request) -> mydata.Export:
    """Get all that is held about a person, by an account or user; for the operator's own commands."""
    return await mydata_http.export_of(ctx, ctx.path["who"])


@module.route("POST", "/people/forget/{who}", role=Role.ADMIN, installation_keys=True)
async def forget_data_of(ctx: Request) -> mydata.Deleted:
    """Delete all that is held about a person; for the operator's own commands."""
    return await mydata_http.forget_of(ctx, ctx.path["who"])


@module.held_of_person
async def held(ctx: Ctx, person: Person) -> Tables:
    """Names, links, requests, and how somebody signs in."""
    return await ctx.store_in(EVERYBODY).held(person.accounts, person.users)


@module.forget_person()
async def forget(ctx: Ctx, person: Person) -> int:
    """Delete them."""
    return await ctx.store_in(EVERYBODY).forget(person.accounts, person.users)


@module.job(every_s=20)
async def forget_again(ctx: Ctx) -> None:
    """Forget once more who asked for it, and what could not be forgotten at once."""
    await mydata.forget_again(ctx)


# How people sign in on the bot's pages


@module.route("POST", "/login", role=None, browser=True)
async def sign_in_by_password(ctx: Request, body: sign_in.Credentials) -> sign_in.SignedIn:
    """Sign in with e-mail address and password; where a code is asked for, POST /login/code comes next."""
    return await sign_in.with_password(ctx, ctx.state(State).desk, body)


@module.route("POST", "/login/code", role=None, browser=True)
async def login_code(ctx: Request, body: sign_in.SecondStep) -> sign_in.SignedIn:
    """Finish signing in with a code of the authenticator app, or a recovery code."""
    return await sign_in.with_code(ctx, ctx.state(State).desk, body)


@module.route("POST", "/password/reset", role=None, browser=True)
async def password_reset(ctx: Request, body: sign_in.Reset) -> None:
    """Set a password by the code that the operator gave you."""
    await sign_in.reset(ctx, ctx.state(State).desk, body)


@module.route("POST", "/proof", role=None, session=True)
async def proof(ctx: Request, body: sign_in.Proof) -> sign_in.SignedIn:
    """Prove again who you are, before you change how you sign in."""
    return await sign_in.prove(ctx, ctx.state(State).desk, body)


@module.route("POST", "/password", role=None, session=True)
async def change_password(ctx: Request, body: sign_in.NewPassword) -> sign_in.SignedIn:
    """Change your password; all your other sessions end."""
    return await sign_in.change_password(ctx, ctx.state(State).desk, body)


@module.route("POST", "/logout", role=None, session=True)
async def logout(ctx: Request) -> None:
    """Sign out."""
    await sign_in.sign_out(ctx)


@module.route("GET", "/session", role=None, session=True)
async def signed_in(ctx: Request) -> profile.Me:
    """Show who is signed in, and how they may sign in."""
    return await profile.me(ctx)


@module.route("GET", "/sessions", role=None, session=True)
async def list_sessions(ctx: Request) -> answers.Sessions:
    """List your sessions."""
    return answers.Sessions(await sign_in.sessions(ctx))


@module.route("DELETE", "/sessions", role=None, session=True)
async def end_sessions(ctx: Request) -> answers.Ended:
    """End all your sessions but this one."""
    return answers.Ended(await sign_in.end_others(ctx))


@module.route("DELETE", "/sessions/{session}", role=None, session=True)
async def end_session(ctx: Request) -> None:
    """End one of your sessions."""
    await sign_in.end_session(ctx, ctx.path["session"])


@module.route("POST", "/totp", role=None, session=True)
async def totp(ctx: Request) -> codes.TotpOffer:
    """Begin to enrol an authenticator app; POST /totp/confirm with a code of it comes next."""
    return await codes.begin(ctx, ctx.state(State).desk)


@module.route("POST", "/totp/confirm", role=None, session=True)
async def totp_confirm(ctx: Request, body: codes.TotpCode) -> codes.RecoveryCodes:
    """Show that the app works; from then on it is asked for. Answers with recovery codes, this once."""
    return await codes.confirm(ctx, ctx.state(State).desk, body)


@module.route("DELETE", "/totp", role=None, session=True)
async def totp_remove(ctx: Request) -> None:
    """Remove your authenticator app and your recovery codes."""
    await codes.remove(ctx)


@module.route("POST", "/recovery", role=None, session=True)
async def recovery(ctx: Request) -> codes.RecoveryCodes:
    """Get new recovery codes, shown this once; those before open nothing any more."""
    return await codes.renew_codes(ctx, ctx.state(State).desk)


@module.route("POST", "/login/passkey/options", role=None, browser=True)
async def passkey_options(ctx: Request) -> passkeys.Challenge:
    """Begin to sign in with a passkey."""
    return await passkeys.begin_login(ctx, ctx.state(State).desk)


@module.route("POST", "/login/passkey", role=None, browser=True)
async def passkey_login(ctx: Request, body: passkeys.Assertion) -> sign_in.SignedIn:
    """Sign in with a passkey."""
    return await passkeys.login(ctx, ctx.state(State).desk, body)


@module.route("POST", "/passkeys/options", role=None, session=True)
async def passkey_offer(ctx: Request) -> passkeys.Challenge:
    """Begin to enrol a passkey."""
    return await passkeys.begin_enrolment(ctx, ctx.state(State).desk)


@module.route("POST", "/passkeys", role=None, session=True)
async def passkey_enrol(ctx: Request, body: passkeys.Enrolment) -> passkeys.PasskeyItem:
    """Enrol a passkey."""
    return await passkeys.enrol(ctx, ctx.state(State).desk, body)


@module.route("GET", "/passkeys", role=None, session=True)
async def passkey_list(ctx: Request) -> answers.Passkeys:
    """List your passkeys."""
    return answers.Passkeys(await passkeys.listed(ctx))


@module.route("DELETE", "/passkeys/{id}", role=None, session=True)
async def passkey_remove(ctx: Request) -> None:
    """Remove one of your passkeys."""
    await passkeys.remove(ctx, ctx.path["id"])


@module.route("POST", "/accounts/code", role=None, session=True)
async def account_code(ctx: Request) -> profile.ChatCode:
    """Get a code that connects the account with which it is typed in chat."""
    return await profile.chat_code(ctx, ctx.state(State).desk)


@module.route("DELETE", "/accounts/{account}", role=None, session=True)
async def account_remove(ctx: Request) -> None:
    """Take one of your accounts out of your sign-in."""
    await profile.unlink(ctx, ctx.path["account"])


@module.route("GET", "/providers", role=None)
async def list_providers(ctx: Request) -> answers.Providers:
    """List the providers that one can sign in with."""
    return answers.Providers(connect.listed(ctx.state(State).desk))


@module.route("POST", "/login/oauth/{provider}", role=None, browser=True)
async def oauth_login(ctx: Request, body: connect.Begin) -> connect.Away:
    """Begin to sign in with an account of a provider; the browser goes to the answer's URL."""
    return await connect.begin_login(ctx, ctx.state(State).desk, ctx.path["provider"], body)


@module.route("GET", "/oauth/{provider}", role=None, browser=True)
async def oauth_back(ctx: Request) -> Page:
    """Come back from a provider, and go on to where one wanted."""
    return await connect.back(ctx, ctx.state(State).desk, ctx.path["provider"])


@module.route("POST", "/identities/{provider}", role=None, session=True)
async def identity_connect(ctx: Request, body: connect.Begin) -> connect.Away:
    """Begin to connect an account of a provider, which then signs you in."""
    return await connect.begin_connect(ctx, ctx.state(State).desk, ctx.path["provider"], body)


@module.route("DELETE", "/identities/{provider}", role=None, session=True)
async def identity_remove(ctx: Request) -> None:
    """Take your accounts at a provider out of your sign-in; what they proved stays."""
    await connect.disconnect(ctx, ctx.state(State).desk, ctx.path["provider"])


@module.answers(Logins.session)
async def session(ctx: Ctx, request: SessionRequest) -> SessionAnswer:
    """Who is signed in; the use is written down once a minute."""
    store, now = ctx.store_in(EVERYBODY), ctx.now()
    found = await store.visitor(request.digest, now)
    if found is None:
        return SessionAnswer()
    visitor, last_used_at = found
    if now - last_used_at >= TOUCH_S:
        await store.touch(visitor.session, now)
    return SessionAnswer((visitor,))


@module.job(every_s=300)
async def sweep(ctx: Ctx) -> None:
    """Remove sessions, codes and failures that have ended."""
    await ctx.store_in(EVERYBODY).sweep(ctx.now())


# How programs are let in


@module.route("GET", "/keys", role=Role.ADMIN, rank=Rank.OWNER)
async def list_keys(ctx: Request) -> keys.KeyItems:
    """List the API keys of the community: what they may do, and when each was last used."""
    return await keys.listed(ctx)


@module.route("POST", "/keys", role=Role.ADMIN, rank=Rank.OWNER)
async def create_key(ctx: Request, body: keys.NewKeyOrder) -> keys.MadeKey:
    """Make an API key; for people who proved lately who they are."""
    return await keys.create(ctx, ctx.state(State).desk, body)


@module.route("POST", "/keys/{id}/rotate", role=Role.ADMIN, rank=Rank.OWNER)
async def rotate_key(ctx: Request, body: keys.Rotation) -> keys.MadeKey:
    """Make a key in the place of one, which opens a while longer; for people who proved lately who they are."""
    return await keys.rotate(ctx, ctx.state(State).desk, body)


@module.route("DELETE", "/keys/{id}", role=Role.ADMIN, rank=Rank.OWNER)
async def revoke_key(ctx: Request) -> None:
    """End a key; for people who proved lately who they are."""
    await keys.revoke(ctx)


# What other modules ask


@module.answers(Identity.lookup)
async def lookup(ctx: Ctx, request: LookupRequest) -> Accounts:
    """The accounts of logins on one platform, those that the asking community knows before others."""
    _check(request.logins)
    found = await ctx.store_in(EVERYBODY).by_login(request.platform, request.logins, request.server)
    several = tuple({one.account for accounts in found for one in accounts if len(accounts) > 1})
    here: tuple[str, ...] = ()
    if several and ctx.community:
        with contextlib.suppress(CallError):  # nobody to ask: then the last who had the login
            here = (await ctx.use(Reputation).known(KnownRequest(several))).accounts
    return Accounts(
        tuple(
            next((one for one in accounts if one.account in here), accounts[0]) for accounts in found if accounts
        )
    )


@module.answers(Identity.people)
async def people(ctx: Ctx, request: PeopleRequest) -> People:
    """Which accounts belong together."""
    _check(request.accounts)
    store = ctx.store_in(EVERYBODY)
    groups = await (store.groups_with(request.accounts) if request.accounts else store.groups())
    return People(tuple({group: None for group in groups.values() if len(group) > 1}))


@module.answers(Identity.seen)
async def seen(ctx: Ctx, request: SeenRequest) -> SeenAccounts:
    """Which of some accounts were ever seen."""
    _check(request.accounts)
    return SeenAccounts(await ctx.store_in(EVERYBODY).seen(request.accounts))


def _check(names: Sequence[Any]) -> None:
    if len(names) > NAMES_MAX:
        raise CallError(f"at most {NAMES_MAX} names a call, not {len(names)}: ask in parts")
