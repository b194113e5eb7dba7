"""What a server says about itself in numeric 005 (https://modern.ircdocs.horse/#rplisupport-005)."""

from collections.abc import Callable, Mapping, Sequence

_RFC1459 = str.maketrans("[]\\~", "{}|^")
_STRICT = str.maketrans("[]\\", "{}|")
_ASCII = str.maketrans("", "")


class Isupport:
    """The announced features; until a 005 comes, those of RFC 1459."""

    def __init__(self) -> None:
        self.network = ""
        self.line_size_max = 512
        """Bytes of one line, its line end included."""
        self.nick_size_max = 9
        self.channel_prefixes = "#&"
        self.status_modes = "ov"
        """Modes that give a member a status, the highest first."""
        self.status_symbols = "@+"
        self.list_modes = "beI"
        self.argument_modes = "k"
        self.set_argument_modes = "l"
        self.joins_max = 0
        """Channels in one JOIN; 0 when only the line's size limits it."""
        self.parts_max = 0
        """Channels in one PART, likewise. InspIRCd silently leaves out those beyond its MAXTARGETS."""
        self._folding = _RFC1459
        self._readers: Mapping[str, Callable[[str], None]] = {
            "NETWORK": self._read_network,
            "LINELEN": self._read_line_size,
            "NICKLEN": self._read_nick_size,
            "CHANTYPES": self._read_channel_prefixes,
            "PREFIX": self._read_statuses,
            "CHANMODES": self._read_modes,
            "TARGMAX": self._read_targets,
            "MAXTARGETS": self._read_targets_max,
            "CASEMAPPING": self._read_folding,
        }

    def read(self, tokens: Sequence[str]) -> None:
        """Take in the tokens of one 005 line; unknown or broken ones are ignored."""
        for token in tokens:
            name, _, value = token.partition("=")
            reader = self._readers.get(name)
            if reader is not None:
                reader(value)

    def fold(self, name: str) -> str:
        """The form in which two names of the same channel or nick are equal."""
        return name.translate(self._folding).lower()

    def is_channel(self, target: str) -> bool:
        """Whether a target is a channel, and not a nick."""
        return target[:1] in self.channel_prefixes if target else False

    def _read_network(self, value: str) -> None:
        self.network = value

    def _read_line_size(self, value: str) -> None:
        self.line_size_max = max(512, _number(value))

    def _read_nick_size(self, value: str) -> None:
        self.nick_size_max = _number(value) or self.nick_size_max

    def _read_channel_prefixes(self, value: str) -> None:
        self.channel_prefixes = value

    def _read_statuses(self, value: str) -> None:
        modes, _, symbols = value.removeprefix("(").partition(")")
        if len(modes) == len(symbols):
            self.status_modes, self.status_symbols = modes, symbols

    def _read_modes(self, value: str) -> None:
        if value.count(",") >= 3:
            self.list_modes, self.argument_modes, self.set_argument_modes, *_ = value.split(",")

    def _read_targets_max(self, value: str) -> None:
        self.parts_max = self.parts_max or _number(value)

    def _read_targets(self, value: str) -> None:
        for pair in value.split(","):
            command, _, number = pair.partition(":")
            if command == "JOIN":
                self.joins_max = _number(number)
            elif command == "PART":
                self.parts_max = _number(number)

    def _read_folding(self, value: str) -> None:
        self._folding = {"ascii": _ASCII, "rfc1459-strict": _STRICT}.get(value, _RFC1459)


def _number(value: str) -> int:
    """A number of at most nine digits; 0 for anything else."""
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else 0
