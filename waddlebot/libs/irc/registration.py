"""From the first line to the welcome: capabilities, SASL, password, nick. Without input or output of its own.

https://ircv3.net/specs/extensions/capability-negotiation and sasl-3.1/3.2; numerics from
https://modern.ircdocs.horse.
"""

import base64
import secrets

from waddlebot.libs.irc.errors import LinkError, LoginError
from waddlebot.libs.irc.message import IrcMessage, build_line
from waddlebot.libs.irc.settings import IrcSettings

_SASL_CHUNK = 400
_NICK_TRIES_MAX = 10
_SASL_FAILURES = frozenset({"902", "904", "905", "906", "908"})
_NICK_REFUSALS = frozenset({"432", "433", "436", "437"})


class Registration:
    """What we say until the server welcomes us, line by line as it answers."""

    def __init__(self, settings: IrcSettings) -> None:
        self._settings = settings
        self.nick = settings.nick
        """The nick we have, or ask for."""
        self.capabilities: set[str] = set()
        """Granted capabilities."""
        self.welcomed = False
        self._offered: dict[str, str] = {}
        self._unanswered: set[str] = set()
        self._sasl_open = bool(settings.sasl)
        self._negotiating = True
        self._nick_tries = 0

    def begin(self) -> list[str]:
        """The first lines. A server without capability negotiation simply goes on with NICK and USER."""
        settings = self._settings
        lines = [build_line("CAP", "LS", "302")]
        if settings.password and settings.sasl != "plain":
            lines.append(build_line("PASS", settings.password))
        lines.append(build_line("NICK", self.nick))
        lines.append(build_line("USER", settings.username, "0", "*", settings.realname))
        return lines

    def receive(self, message: IrcMessage) -> list[str]:
        """The answer to a line. Raises LoginError when the server refuses us, LinkError when it closes."""
        params = message.params
        match message.command:
            case "CAP" if len(params) >= 3:
                return self._capability(params[1], params)
            case "AUTHENTICATE":
                return self._authenticate(message.text)
            case "903":
                self._sasl_open = False
                return self._finish()
            case "001" if params:
                return self._welcome(params[0])
            case "464" | "465" | "466":
                raise self._refusal(message.text)
            case command if command in _SASL_FAILURES and self._sasl_open:
                raise self._refusal(f"SASL {self._settings.sasl.upper()} failed: {message.text}")
            case command if command in _NICK_REFUSALS and not self.welcomed:
                return self._other_nick(message)
            case "NOTICE" if not self.welcomed and message.text in self._settings.dialect.login_refusals:
                raise self._refusal(message.text)
        return []

    def _refusal(self, words: str) -> LoginError:
        advice = self._settings.dialect.login_advice
        return LoginError(f"{self._settings.label} refuses the login: {words.strip(' .')}. {advice}.")

    def _capability(self, verb: str, params: tuple[str, ...]) -> list[str]:
        words = params[-1].split()
        match verb:
            case "LS":
                self._offered |= {name: value for name, _, value in (word.partition("=") for word in words)}
                # A star announces another line of the list.
                return [] if params[2] == "*" and len(params) > 3 else self._request()
            case "ACK":
                self.capabilities.update(word for word in words if word[0] != "-")
                self._unanswered.difference_update(words)
                if "sasl" in words and self._sasl_open:
                    return [build_line("AUTHENTICATE", self._settings.sasl.upper())]
            case "NAK":
                self._unanswered.difference_update(words)
                if "sasl" in words and self._sasl_open:
                    raise self._refusal("it will not negotiate SASL")
            case "NEW":
                new = [word.partition("=")[0] for word in words]
                return [_request(name) for name in new if name in self._settings.dialect.capabilities]
            case "DEL":
                self.capabilities.difference_update(words)
        return self._finish()

    def _request(self) -> list[str]:
        if not self._negotiating or self._unanswered:
            return []
        wanted = [name for name in self._settings.dialect.capabilities if name in self._offered]
        if self._sasl_open:
            self._check_sasl()
            wanted.append("sasl")
        self._unanswered = set(wanted)
        return [_request(name) for name in wanted] or self._finish()

    def _check_sasl(self) -> None:
        mechanism = self._settings.sasl.upper()
        mechanisms = self._offered.get("sasl")
        if mechanisms is None:
            raise self._refusal("it offers no SASL; to send the password as the server's (PASS), add ?sasl=off")
        if mechanisms and mechanism not in mechanisms.split(","):
            raise self._refusal(f"it offers SASL {mechanisms}, but not {mechanism}")

    def _authenticate(self, challenge: str) -> list[str]:
        """RFC 4616 for PLAIN, RFC 4422 appendix A for EXTERNAL, where the certificate says who we are."""
        if challenge != "+" or not self._sasl_open:
            return []
        settings = self._settings
        if settings.sasl == "external":
            return [build_line("AUTHENTICATE", "+")]
        account = settings.account or settings.nick
        answer = base64.b64encode(f"\0{account}\0{settings.password}".encode()).decode()
        chunks = [answer[at : at + _SASL_CHUNK] for at in range(0, len(answer), _SASL_CHUNK)]
        if len(chunks[-1]) == _SASL_CHUNK:
            chunks.append("+")  # A full last chunk would promise another one.
        return [build_line("AUTHENTICATE", chunk) for chunk in chunks]

    def _finish(self) -> list[str]:
        if self._unanswered or self._sasl_open or not self._negotiating:
            return []
        self._negotiating = False
        return [build_line("CAP", "END")]

    def _welcome(self, nick: str) -> list[str]:
        if self._sasl_open:
            raise self._refusal("it offers no SASL; to send the password as the server's (PASS), add ?sasl=off")
        self.nick = nick
        self.welcomed = True
        self._negotiating = False
        return []

    def _other_nick(self, message: IrcMessage) -> list[str]:
        refused = message.params[1] if len(message.params) > 1 else self.nick
        if not self._settings.dialect.full_irc:
            raise self._refusal(f"{refused}: {message.text}")
        if message.command == "432" and self._nick_tries == 0:
            raise self._refusal(f"{refused} is no nick it accepts: {message.text}")
        self._nick_tries += 1
        if self._nick_tries > _NICK_TRIES_MAX:
            raise LinkError(f"{self._settings.label}: no free nick found near {self._settings.nick}")
        wanted = self._settings.nick
        # The first alternative is the customary one; the others fit RFC 1459's nine characters on any server.
        self.nick = wanted + "_" if self._nick_tries == 1 else f"{wanted[:5]}{secrets.randbelow(9000) + 1000}"
        return [build_line("NICK", self.nick)]


def _request(name: str) -> str:
    return f"CAP REQ :{name}"
