"""Whoever holds a chat connection, for tests of what is said there."""

from waddlebot.libs.contracts.irc import Line, Outcome, Said, SayRequest


class Spoken:
    """Keeps the lines it is asked to say, and refuses the text ``too much``."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    async def say(self, request: SayRequest) -> Said:
        """Say lines."""
        self.lines += request.lines
        return Said(tuple(Outcome(line.id, "full" if line.text == "too much" else "") for line in request.lines))
