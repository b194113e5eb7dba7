"""``waddlebot chat``: talk to the running bot in the terminal."""

from typing import Annotated

import typer

from waddlebot.cli.failures import UNUSABLE, Failure


def chat(
    name: Annotated[str, typer.Option(help="Speak as a viewer of this name instead of as the owner.")] = "",
) -> None:
    """Chat with the running bot; end with Ctrl+D.

    It is the same channel as the chat window in the browser: what is said in one is seen in the other. Lines from
    a pipe are said one after the other, and the command ends when the bot has answered.

    \b
    Examples:
      waddlebot chat
      waddlebot chat --name guest
      printf '!help\\n' | waddlebot chat
    """
    import asyncio
    import contextlib

    from waddlebot.cli import bot
    from waddlebot.cli.talk import Talk, Unreachable
    from waddlebot.libs.contracts.console import SECRET_PURPOSE, access_token
    from waddlebot.runtime.environment import load
    from waddlebot.runtime.secret import is_there
    from waddlebot.runtime.secret import load as load_secret

    environment, url = load(), bot.url_of()
    nobody = Failure(f"No bot answers at {url}: start it with `waddlebot run`.", UNUSABLE)
    where = environment.data, environment.secret
    if not is_there(*where):
        raise nobody
    token = access_token(load_secret(*where).derive(f"receiver.console/{SECRET_PURPOSE}"))
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(Talk(url, token, name).run())
    except Unreachable:
        raise nobody from None
