"""IRC lines: bytes to messages and back.

The grammar is RFC 1459 section 2.3.1 with the message tags of https://ircv3.net/specs/extensions/message-tags.
Reading is the hot path of every IRC platform: a line costs about a microsecond, and its tags stay one raw string
until somebody asks for one of them.
"""

import re
from collections.abc import Mapping

import msgspec

LINE_SIZE_MAX = 16_384
"""Longest line we accept, in characters: 8,191 of tags and 512 of message by the standards, and room for
servers that announce a larger LINELEN."""

_TAG_ESCAPES = {":": ";", "s": " ", "\\": "\\", "r": "\r", "n": "\n"}
_TAG_ESCAPED = str.maketrans({";": "\\:", " ": "\\s", "\\": "\\\\", "\r": "\\r", "\n": "\\n"})

# Nearly every line is chat, and all of those look alike.
_CHAT = re.compile(r"(?:@([^ ]*+) )?:([^ ]++) PRIVMSG ([^ :]++) :(.*+)", re.DOTALL).fullmatch

_LEGACY_ENCODING = "cp1252"


class IrcMessage(msgspec.Struct, frozen=True, gc=False):
    """One line as the server sent it.

    `tags` is what stood between `@` and the first space, still escaped: read it with `find_tag` or
    `parse_tags`. `source` is what followed the colon (`nick!user@host`, or a server's name). `params` are the
    parameters, the trailing one last; a colon or a space inside the trailing one has no further meaning.
    """

    tags: str
    source: str
    command: str
    params: tuple[str, ...]

    @property
    def nick(self) -> str:
        """The nick of the source, or the server's name."""
        return self.source.partition("!")[0]

    @property
    def target(self) -> str:
        """The first parameter: the channel or nick of a message; empty when there is none."""
        return self.params[0] if self.params else ""

    @property
    def text(self) -> str:
        """The last parameter: the text of a message; empty when there is none."""
        return self.params[-1] if self.params else ""


def parse_line(line: str) -> IrcMessage:
    """Read one line without its line end. Never raises: what is not IRC becomes a command nobody knows."""
    chat = _CHAT(line)
    if chat is not None:
        tags, source, target, text = chat.groups("")
        return IrcMessage(tags, source, "PRIVMSG", (target, text))
    tags = source = ""
    if line[:1] == "@":
        tags, _, line = line[1:].partition(" ")
        line = line.lstrip(" ")
    if line[:1] == ":":
        source, _, line = line[1:].partition(" ")
    # No parameter before the trailing one may begin with a colon, so the first " :" is where that begins.
    head, colon, trailing = line.partition(" :")
    words = head.split(" ")
    if "" in words:
        words = [word for word in words if word] or [""]
    command = words[0]
    if not command.isupper():
        command = command.upper()
    if colon:
        words.append(trailing)
    return IrcMessage(tags, source, command, tuple(words[1:]))


def split_lines(chunk: bytes) -> list[str]:
    """The complete lines of a chunk, decoded; empty ones are skipped, and NUL, which none may hold, is dropped.

    Only LF ends a line and only CR before it belongs to the line end; any other is dropped, since no IRC line may
    hold one and we could not answer with it. `str.splitlines` would also break at U+2028, U+0085 and others,
    which any chatter can type: the rest of the text would become a line.

    Split before it is decoded: one emoji in a chunk would make every character of it four bytes wide.
    """
    if b"\0" in chunk:
        chunk = chunk.replace(b"\0", b"")
    if b"\r" in chunk:
        chunk = chunk.replace(b"\r", b"")
    lines = chunk.split(b"\n")
    try:
        return [line.decode() for line in lines if line]
    except UnicodeDecodeError:
        return [decode(line) for line in lines if line]


def decode(line: bytes) -> str:
    """Decode a line: UTF-8, and each byte that is not as Windows-1252, which old clients send."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("utf-8", "surrogateescape").translate(_legacy_characters())


def build_line(command: str, *params: str, source: str = "", tags: Mapping[str, str] | None = None) -> str:
    """Write one line without its line end; the last parameter may hold spaces.

    Raises ValueError when a part would end the line, or become another part of it. Free text is cleaned by
    `text.sanitise` first; everything else that trips here is a mistake or an attack.
    """
    parts = []
    if tags:
        parts.append("@" + ";".join(f"{_tag_key(key)}={escape_tag(value)}" for key, value in tags.items()))
    if source:
        parts.append(":" + _middle(source, "source"))
    if not (command.isascii() and command.isalnum()):
        raise ValueError(f"not an IRC command: {command!r}")
    parts.append(command)
    if params:
        parts.extend(_middle(param, "parameter") for param in params[:-1])
        last = params[-1]
        parts.append(":" + last if not last or " " in last or last[0] == ":" else last)
    line = " ".join(parts)
    if "\r" in line or "\n" in line or "\0" in line:
        raise ValueError(f"a line end or NUL inside an IRC line: {line!r}")
    return line


def find_tag(tags: str, key: str) -> str:
    """The value of one tag of a raw tag string, unescaped; empty when the tag is missing or has no value."""
    needle = key + "="
    if tags.startswith(needle):
        start = len(needle)
    else:
        start = tags.find(";" + needle)
        if start < 0:
            return ""
        start += len(needle) + 1
    end = tags.find(";", start)
    value = tags[start:end] if end >= 0 else tags[start:]
    return unescape_tag(value) if "\\" in value else value


def parse_tags(tags: str) -> dict[str, str]:
    """All tags of a raw tag string, unescaped; one without value is empty, the last of equal keys wins."""
    pairs = (pair.partition("=") for pair in tags.split(";") if pair)
    return {key: unescape_tag(value) if "\\" in value else value for key, _, value in pairs if key}


def escape_tag(value: str) -> str:
    """Escape a tag value as the message-tags specification says."""
    return value.translate(_TAG_ESCAPED)


def unescape_tag(value: str) -> str:
    r"""Undo `escape_tag`; of an unknown escape only the backslash goes, as the specification asks."""
    head, *rest = value.split("\\")
    parts = [head]
    characters = iter(rest)
    for piece in characters:
        if piece:
            parts.append(_TAG_ESCAPES.get(piece[0], piece[0]) + piece[1:])
        else:  # Two backslashes in a row, or one at the very end, which is dropped.
            following = next(characters, None)
            if following is not None:
                parts.append("\\" + following)
    return "".join(parts)


def _legacy_characters() -> dict[int, str]:
    """What each byte that Python smuggles through as a surrogate was meant to be."""
    return {0xDC00 + byte: bytes([byte]).decode(_LEGACY_ENCODING, "replace") for byte in range(0x80, 0x100)}


def _middle(value: str, what: str) -> str:
    if not value or " " in value or value[0] == ":":
        raise ValueError(f"an IRC {what} must be one word and not begin with a colon: {value!r}")
    return value


def _tag_key(key: str) -> str:
    if not key or any(character in key for character in " ;=\r\n\0"):
        raise ValueError(f"not a tag key: {key!r}")
    return key
