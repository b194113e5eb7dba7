"""``waddlebot user``: who may sign in on the bot's pages."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

from waddlebot.cli.failures import UNUSABLE, Failure

if TYPE_CHECKING:
    from waddlebot.core.identity.login.tables import User
    from waddlebot.core.identity.store import IdentityStore

Email = Annotated[str, typer.Argument(help="The user's e-mail address.")]
Who = Annotated[str, typer.Argument(help="The user's e-mail address, or id.")]


def add(
    email: Email,
    admin: Annotated[
        bool, typer.Option("--admin", help="May do in every community what its owner may; for yourself.")
    ] = False,
) -> None:
    """Add somebody who may sign in, and print the code by which they set their password, alone and this once.

    The code is good for 48 hours. What they may do follows from the platform accounts they then connect.

    \b
    Examples:
      waddlebot user add ann@example.org
      waddlebot user add me@example.org --admin
    """
    from waddlebot.cli import work
    from waddlebot.libs.contracts.login import ADMIN
    from waddlebot.libs.dal import Conflict

    async def make(store: "IdentityStore") -> str:
        import secrets
        import time

        user = secrets.token_hex(8)
        try:
            await store.add_user(user, _checked(email), (ADMIN,) if admin else (), time.time())
        except Conflict:
            raise Failure(f"There is a user {email} already. `waddlebot user list` shows them.") from None
        work.note("user_add", "", login=user, admin=str(admin))
        return await _code(store, user)

    _show(
        _on_users(make),
        f"{email} may sign in; this code sets the password within 48 hours. It is shown this once.",
    )


def list_() -> None:
    """List who may sign in: their roles, sessions, and when they last did."""
    from waddlebot.cli import screen, work

    table = screen.table("E-MAIL", "ROLES", "STATE", "SESSIONS", "LAST SIGNED IN", "ID")
    for user, roles, sessions in _on_users(lambda store: store.users()):
        last = work.when(user.last_login_at) if user.last_login_at else "never"
        state = "active" if user.active else "disabled"
        table.add_row(user.email or "-", " ".join(roles) or "-", state, str(sessions), last, user.id)
    if table.row_count:
        screen.out().print(table)
    else:
        screen.notes().print("There is no user. Add one: waddlebot user add EMAIL")


def disable(email: Who) -> None:
    """Let somebody in no longer; their sessions end at once."""
    _switch(email, active=False)


def enable(email: Who) -> None:
    """Let somebody in again."""
    _switch(email, active=True)


def reset(
    email: Who,
    factors: Annotated[
        bool, typer.Option("--factors", help="Also remove authenticator app, recovery codes and passkeys.")
    ] = False,
) -> None:
    """Print a code by which somebody sets a new password, alone and this once; it is good for 48 hours.

    Until they do, the old password holds. With --factors they need nothing else: be sure who gets the code.
    """
    from waddlebot.cli import work

    async def renew(store: "IdentityStore") -> str:
        user = await _the_one(store, email)
        if factors:
            await store.remove_factors(user.id)
            await store.end_sessions(user.id)
        work.note("user_reset", "", login=user.id, factors=str(factors))
        return await _code(store, user.id)

    _show(_on_users(renew), f"This code sets a new password for {email} within 48 hours. It is shown this once.")


def sessions(
    email: Who,
    end: Annotated[bool, typer.Option("--end", help="End all of them.")] = False,
) -> None:
    """List the browsers that somebody is signed in with, or end all their sessions."""
    from waddlebot.cli import screen, work

    async def look(store: "IdentityStore") -> int:
        import time

        user = await _the_one(store, email)
        table = screen.table("DEVICE", "ADDRESS", "BEGAN", "LAST USED")
        for one in await store.sessions(user.id, time.time()):
            table.add_row(one.device, one.address, work.when(one.created_at), work.when(one.last_used_at))
        if table.row_count:
            screen.out().print(table)
        else:
            screen.notes().print(f"{email} is signed in nowhere.", markup=False)
        if not end:
            return 0
        work.note("user_sessions_end", "", login=user.id)
        return await store.end_sessions(user.id)

    if ended := _on_users(look):
        screen.out().print(f"Ended: {ended}.", markup=False)


def remove(email: Who) -> None:
    """Forget somebody who may sign in, with their sessions, factors and connected accounts."""
    from waddlebot.cli import screen, work

    async def forget(store: "IdentityStore") -> None:
        user = await _the_one(store, email)
        await store.remove_user(user.id)
        work.note("user_remove", "", login=user.id)

    _on_users(forget)
    screen.out().print(f"{email} is forgotten.", markup=False)


def _switch(email: str, *, active: bool) -> None:
    from waddlebot.cli import screen, work

    async def turn(store: "IdentityStore") -> bool:
        user = await _the_one(store, email)
        changed = await store.set_active(user.id, active)
        if changed:
            work.note("user_enable" if active else "user_disable", "", login=user.id)
        return changed

    state = "may sign in" if active else "is let in no longer"
    already = "" if _on_users(turn) else " It was so already."
    screen.out().print(f"{email} {state}.{already}", markup=False)


def _on_users[T](task: "Callable[[IdentityStore], Awaitable[T]]") -> T:
    from waddlebot.cli import work
    from waddlebot.core.identity.login.desk import EVERYBODY
    from waddlebot.core.identity.module import module
    from waddlebot.core.identity.store import IdentityStore
    from waddlebot.runtime.installation import Installation

    async def run(installation: Installation) -> T:
        store = installation.dal.bind(module.name, EVERYBODY, actor=work.ACTOR)
        assert isinstance(store, IdentityStore)  # noqa: S101  for the type checker: the module declares it
        return await task(store)

    return work.on_installation(run)


async def _code(store: "IdentityStore", user: str) -> str:
    import time

    from waddlebot.core.identity.login.sign_in import RESET, RESET_S
    from waddlebot.core.identity.login.tables import Ticket
    from waddlebot.libs.web.sessions import digest_of, new_token

    code = new_token()
    await store.put_ticket(digest_of(code), Ticket(RESET, user, ""), time.time() + RESET_S)
    return code


async def _the_one(store: "IdentityStore", email: str) -> "User":
    user = await (store.user_by_email(_checked(email)) if "@" in email else store.user(email))
    if user is None:
        raise Failure(f"There is no user {email}. `waddlebot user list` shows them.")
    return user


def _checked(email: str) -> str:
    from waddlebot.core.identity.login.desk import email_of
    from waddlebot.libs.web.errors import HttpError

    try:
        return email_of(email)
    except HttpError as error:
        raise Failure(error.detail, UNUSABLE) from None


def _show(code: str, words: str) -> None:
    """The code alone on stdout, what is said of it beside."""
    from waddlebot.cli import screen

    screen.notes().print(words, markup=False)
    typer.echo(code)
