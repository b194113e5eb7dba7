"""``waddlebot rule``: what only the operator may do with a community's string rules."""

from typing import Annotated

import typer

from waddlebot.cli.failures import Failure


def secret(
    name: Annotated[str, typer.Argument(help="The rule, one that posts to a URL.")],
    community: Annotated[str, typer.Option(help="The community whose rule it is.")] = "home",
) -> None:
    """Make a new secret for what a rule posts and print it, alone and this once.

    The receiver of the posts checks their signatures with it, in the way of Standard Webhooks. It is kept nowhere:
    who loses it makes another. The one before ends within a second.

    \b
    Examples:
      waddlebot rule secret relay
      waddlebot rule secret relay --community lab
    """
    from waddlebot.cli import work
    from waddlebot.libs.dal import Community
    from waddlebot.libs.sdk import Refusal
    from waddlebot.processing.router.module import module
    from waddlebot.processing.router.store import RouterStore, StringRule
    from waddlebot.processing.router.webhooks import SECRET_PURPOSE, in_text, signing_key
    from waddlebot.runtime.installation import Installation
    from waddlebot.runtime.secret import load as load_secret

    async def renew(installation: Installation) -> tuple[bytes, StringRule]:
        store = installation.dal.bind(module.name, Community(community), actor=work.ACTOR)
        assert isinstance(store, RouterStore)  # noqa: S101  for the type checker: the module declares it
        try:
            rule = await store.renew_secret(name)
        except Refusal as refusal:
            raise Failure(refusal.text) from None
        work.note("rule_secret", community, rule=name)
        return load_secret(installation.environment.data, installation.environment.secret).derive(
            f"{module.name}/{SECRET_PURPOSE}"
        ), rule

    root, rule = work.on_installation(renew)
    typer.echo(in_text(signing_key(root, community, rule.name, rule.secret_id)))
