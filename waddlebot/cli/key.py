"""``waddlebot key``: API keys, by which programs and modules use a host's doors."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from waddlebot.cli.failures import UNUSABLE, WRONG, Failure

if TYPE_CHECKING:
    from waddlebot.libs.web import KeyInfo

RoleName = Literal["trigger", "action", "core", "admin", "user"]


def create(
    name: Annotated[str, typer.Argument(help="What the key is called; unique in its community.")],
    role: Annotated[RoleName, typer.Option(help="What it may do; admin may do all the others may.")],
    community: Annotated[str, typer.Option(help="Bind it to this community. Without a binding: home.")] = "",
    entity: Annotated[str, typer.Option(help="Bind it to one channel, as platform:server:channel.")] = "",
    of_installation: Annotated[
        bool, typer.Option("--installation", help="Bind it to nothing: for modules that register; role action.")
    ] = False,
    expires: Annotated[str, typer.Option(help="When it ends, such as 12h, 90d or 4w. Without: never.")] = "",
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="Only this module: core.analytics, or core.analytics:read (or :write). May be repeated."
        ),
    ] = None,
) -> None:
    """Make an API key and print it, alone and this once.

    Only its digest is stored: who loses it makes another. A running bot knows it at once.

    \b
    Examples:
      waddlebot key create alerts --role trigger
      KEY=$(waddlebot key create ci --role admin --community lab --expires 90d)
      waddlebot key create dashboard --role user --scope core.analytics:read --scope core.reputation:read
    """
    import time

    from waddlebot.cli import work
    from waddlebot.libs.dal import Conflict
    from waddlebot.libs.sdk.rank import Role
    from waddlebot.libs.web import KeyInfo
    from waddlebot.runtime.installation import Installation

    expires_at = time.time() + _seconds(expires, "--expires") if expires else None

    async def make(installation: Installation) -> tuple[str, KeyInfo]:
        try:
            made = await installation.keys.create(
                name,
                Role(role),
                community=community,
                entity=entity,
                installation=of_installation,
                expires_at=expires_at,
                created_by=work.ACTOR,
                scopes=_known(scope or []),
            )
        except ValueError as error:
            raise Failure(str(error), UNUSABLE) from None
        except Conflict:
            raise Failure(f"There is a key {name!r} there already: revoke it, or choose another name.") from None
        work.note("key_create", made[1].community, key=name, role=role, binding=made[1].binding)
        return made

    raw, info = work.on_installation(make)
    until = f" until {work.when(expires_at)}" if expires_at else ""
    _show(
        raw, f"The key {name!r} has the role {role} and is bound to {info.binding}{until}. It is shown this once."
    )


def list_(
    community: Annotated[str, typer.Option(help="Only those bound to this community.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Also those that were revoked or have expired.")] = False,
) -> None:
    """List the API keys: what they may do, where, and when each was last used."""
    import time

    from waddlebot.cli import screen, work

    keys = work.on_installation(lambda installation: installation.keys.list_keys(community or None))
    now = time.time()
    table = screen.table("NAME", "ROLE", "SCOPES", "BOUND TO", "MADE", "LAST USED", "STATE", "ID")
    for key in keys:
        state = "living"
        if key.revoked_at is not None:
            state = "revoked"
        elif key.expires_at is not None:
            replaced = "replaced, " if key.replaced_at is not None else ""
            state = f"{replaced}until {work.when(key.expires_at)}" if key.expires_at > now else "expired"
        if every or state not in ("revoked", "expired"):
            used = work.when(key.last_used_at) if key.last_used_at else "never"
            bound = key.entity or key.community or "the installation"
            scopes = " ".join(key.scopes) or "all"
            table.add_row(key.name, key.role, scopes, bound, work.when(key.created_at), used, state, key.id)
    if table.row_count:
        screen.out().print(table)
    else:
        screen.notes().print("There is no key. Make one: waddlebot key create NAME --role trigger")


def rotate(
    name: Annotated[str, typer.Argument(help="The key's name or id.")],
    community: Annotated[str, typer.Option(help="Only the one bound to this community.")] = "",
    grace: Annotated[str, typer.Option(help="How long the old key still opens; 0s ends it at once.")] = "24h",
) -> None:
    """Make a new API key in the place of one, and print it, alone and this once.

    It has the same name, role, binding and scopes. The old one opens for the grace period, so that no program
    stops while it is told the new one; `waddlebot key list` shows both, and until when.

    \b
    Examples:
      waddlebot key rotate alerts
      waddlebot key rotate leaked --grace 0s
    """
    from waddlebot.cli import work
    from waddlebot.libs.dal import Conflict
    from waddlebot.libs.web import KeyInfo
    from waddlebot.runtime.installation import Installation

    grace_s = _seconds(grace, "--grace")

    async def turn(installation: Installation) -> tuple[str, KeyInfo]:
        known = await installation.keys.list_keys(community or None)
        old = _the_one(name, [key for key in known if key.replaced_at is None])
        try:
            made = await installation.keys.rotate(old, grace_s=grace_s, actor=work.ACTOR)
        except Conflict as error:
            raise Failure(f"Nothing was done: {error}. `waddlebot key list` shows the keys.", WRONG) from None
        work.note("key_rotate", old.community, key=old.name)
        return made

    raw, info = work.on_installation(turn)
    ends = f"opens for {grace} more" if grace_s else "opens nothing any more"
    _show(
        raw, f"The key {info.name!r}, bound to {info.binding}, is a new one, shown this once. The old one {ends}."
    )


def revoke(
    name: Annotated[str, typer.Argument(help="The key's name or id.")],
    community: Annotated[str, typer.Option(help="Only the one bound to this community.")] = "",
) -> None:
    """Revoke an API key; running hosts refuse it within a second."""
    from waddlebot.cli import screen, work
    from waddlebot.libs.web import KeyInfo
    from waddlebot.runtime.installation import Installation

    async def end(installation: Installation) -> list[KeyInfo]:
        living = _the_one(name, await installation.keys.list_keys(community or None))
        revoked = await installation.keys.revoke(living.id)
        for key in revoked:
            work.note("key_revoke", key.community, key=key.name)
        return revoked

    for key in work.on_installation(end):
        screen.out().print(f"The key {key.name!r}, bound to {key.binding}, opens nothing any more.", markup=False)


def _known(scopes: list[str]) -> list[str]:
    """Scopes of modules that there are. Raises ``ValueError`` for others: a key must not open what comes later."""
    from waddlebot.libs.sdk.discovery import discover
    from waddlebot.libs.web.keys import EVERY

    there = discover()
    for scope in scopes:
        module = scope.partition(":")[0]
        if module not in there and module != EVERY:
            raise ValueError(f"There is no module {module!r}; there are: {', '.join(sorted(there))}.")
    return scopes


def _show(raw: str, words: str) -> None:
    """The key alone on stdout, what is said of it beside."""
    from waddlebot.cli import screen

    screen.notes().print(words, markup=False)
    typer.echo(raw)


def _the_one(name: str, known: "list[KeyInfo]") -> "KeyInfo":
    import time

    now = time.time()
    living = [
        key
        for key in known
        if name in (key.name, key.id)
        and key.revoked_at is None
        and (key.expires_at is None or key.expires_at > now)
    ]
    if len(living) > 1:
        replaced = {key.id: ", replaced" for key in living if key.replaced_at is not None}
        where = ", ".join(f"{key.id} ({key.binding}{replaced.get(key.id, '')})" for key in living)
        raise Failure(f"Several keys are called {name!r}: {where}. Name one by its id.", WRONG)
    if not living:
        raise Failure(f"There is no living key {name!r}. `waddlebot key list` shows them.", WRONG)
    return living[0]


def _seconds(text: str, option: str) -> float:
    from waddlebot.libs.sdk.arguments import parse_duration

    try:
        return parse_duration(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time: write 12h, 90d or 4w.", param_hint=option) from None
