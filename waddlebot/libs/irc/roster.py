"""Who holds a status (operator, half-operator, voice …) in the channels we are in.

Only those are remembered, so memory follows the number of moderators and not the size of the channels.
"""

from waddlebot.libs.irc.isupport import Isupport
from waddlebot.libs.irc.message import IrcMessage


class Roster:
    """Status of members per channel, kept current by NAMES, MODE, NICK, KICK, PART, QUIT."""

    def __init__(self, isupport: Isupport) -> None:
        self._isupport = isupport
        self._statuses: dict[str, dict[str, str]] = {}
        self._channels_of: dict[str, set[str]] = {}

    def status(self, channel: str, nick: str) -> str:
        """Status modes of a member, the highest first (`"o"`, `"ov"`); empty for everybody else."""
        fold = self._isupport.fold
        return self._statuses.get(fold(channel), {}).get(fold(nick), "")

    def receive(self, message: IrcMessage) -> None:
        """Take in a line; lines that change no status are ignored."""
        params = message.params
        match message.command, len(params):
            case "353", size if size >= 4:
                self._names(params[2], params[3])
            case "MODE", size if size >= 2:
                self._mode(params[0], params[1], list(params[2:]))
            case "NICK", size if size >= 1:
                self._rename(message.nick, params[0])
            case "KICK", size if size >= 2:
                self._remove(params[0], params[1])
            case "PART", size if size >= 1:
                self._remove(params[0], message.nick)
            case "QUIT", _:
                for channel in list(self._channels_of.get(self._isupport.fold(message.nick), ())):
                    self._remove(channel, message.nick)

    def forget_channel(self, channel: str) -> None:
        """Drop a channel we are no longer in."""
        for nick in self._statuses.pop(self._isupport.fold(channel), {}):
            self._forget_membership(nick, self._isupport.fold(channel))

    def _names(self, channel: str, names: str) -> None:
        symbols, modes = self._isupport.status_symbols, self._isupport.status_modes
        for name in names.split(" "):
            nick = name.lstrip(symbols)
            held = name[: len(name) - len(nick)]
            self._set(
                channel,
                nick,
                "".join(mode for mode, each in zip(modes, symbols, strict=True) if each in held),
            )

    def _mode(self, channel: str, changes: str, arguments: list[str]) -> None:
        if not self._isupport.is_channel(channel):
            return
        server, adding = self._isupport, True
        always = server.list_modes + server.argument_modes
        for mode in changes:
            if mode in "+-":
                adding = mode == "+"
            elif mode in server.status_modes:
                if arguments:
                    self._change(channel, arguments.pop(0), mode, adding)
            elif mode in always or (adding and mode in server.set_argument_modes):
                del arguments[:1]

    def _change(self, channel: str, nick: str, mode: str, adding: bool) -> None:
        held = set(self.status(channel, nick))
        held = held | {mode} if adding else held - {mode}
        self._set(channel, nick, "".join(each for each in self._isupport.status_modes if each in held))

    def _rename(self, old: str, new: str) -> None:
        for channel in list(self._channels_of.get(self._isupport.fold(old), ())):
            held = self.status(channel, old)
            self._remove(channel, old)
            self._set(channel, new, held)

    def _set(self, channel: str, nick: str, held: str) -> None:
        if not held or not nick:
            self._remove(channel, nick)
            return
        channel, nick = self._isupport.fold(channel), self._isupport.fold(nick)
        self._statuses.setdefault(channel, {})[nick] = held
        self._channels_of.setdefault(nick, set()).add(channel)

    def _remove(self, channel: str, nick: str) -> None:
        channel, nick = self._isupport.fold(channel), self._isupport.fold(nick)
        if self._statuses.get(channel, {}).pop(nick, None) is not None:
            self._forget_membership(nick, channel)

    def _forget_membership(self, nick: str, channel: str) -> None:
        channels = self._channels_of.get(nick, set())
        channels.discard(channel)
        if not channels:
            self._channels_of.pop(nick, None)
