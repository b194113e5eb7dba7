"""Takes secrets out of log lines: by the words that announce them, and by value where we know it."""

import json
import re
import urllib.parse

REDACTED = "[redacted]"

SECRET_LENGTH_MIN = 6
"""Shorter values are not registered: they would blank out ordinary words."""

_NAMES = (
    r"pass(?:word|wd|phrase)?|pwd|secret|[a-z0-9_-]*[_-](?:secret|token|password)|token|api[_-]?key|x-api-key"
    r"|authorization|proxy-authorization|cookie|set-cookie|signature|client_assertion|code_verifier"
)

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # name=value, name: value and "name": "value". A value in quotes may hold blanks. A header's value goes on
    # to the end of the line or quote, because schemes and cookies have blanks in them.
    (
        re.compile(
            r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)(\\?[\"']?[ ]*[:=][ ]*\\?[\"']?)[^\"'\n\\]+",
        ),
        rf"\1\2{REDACTED}",
    ),
    (
        re.compile(rf"(?i)(?<![\w-])({_NAMES})(\\?[\"'])([ ]*[:=][ ]*)(\\?[\"'])[^\"'\n\\]*"),
        rf"\1\2\3\4{REDACTED}",
    ),
    (
        re.compile(rf"(?i)(?<![\w-])({_NAMES})([ ]*[:=][ ]*\\?[\"'])[^\"'\n\\]*"),
        rf"\1\2{REDACTED}",
    ),
    (re.compile(rf"(?i)(?<![\w-])({_NAMES})([ ]*[=:][ ]*)[^\s\"'&;,\[\]()<>\\]+"), rf"\1\2{REDACTED}"),
    (re.compile(r"(?i)\b(Bearer|Basic|OAuth)[ ]+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {REDACTED}"),
    (re.compile(r"(?i)\boauth:[a-z0-9]+"), f"oauth:{REDACTED}"),
    (re.compile(r"\b(wb[ko]_)[A-Za-z0-9_.-]{8,}"), rf"\1{REDACTED}"),
    (re.compile(r"(?<![A-Za-z])(PASS|AUTHENTICATE)[ ]+[^\s\"']+"), rf"\1 {REDACTED}"),
    # user:password@host in URLs
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s/:@\"']*):[^\s/@\"']+@"), rf"\1:{REDACTED}@"),
)

# A line with none of these, in lower case, has nothing for the patterns: they cost 40 µs, this costs one.
_HINTS = (
    "pass", "pwd", "secret", "token", "api", "authori", "authenticate", "cookie", "signature", "assertion",
    "verifier", "bearer", "basic", "oauth", "wbk_", "wbo_", "://",
)  # fmt: skip


class Redactor:
    """Blanks out secrets. One per process; what it was told of stays with it."""

    def __init__(self) -> None:
        self._known: tuple[str, ...] = ()

    def register(self, *secrets: str) -> None:
        """Values never to be shown, also as they stand in URLs and in quotes, and without Twitch's ``oauth:``.

        Those below six characters are left alone.
        """
        found = set(self._known)
        for secret in secrets:
            for value in (secret, secret.removeprefix("oauth:")):
                if len(value) >= SECRET_LENGTH_MIN:
                    found |= {value, urllib.parse.quote(value, safe=""), urllib.parse.quote_plus(value)}
                    found |= {repr(value)[1:-1], json.dumps(value)[1:-1]}
        # The longest first: a secret may hold another.
        self._known = tuple(sorted(found, key=len, reverse=True))

    def hide(self, text: str) -> str:
        """``text`` without the registered values; words that only announce a secret stay as they are."""
        for secret in self._known:
            if secret in text:
                text = text.replace(secret, REDACTED)
        return text

    def redact(self, text: str) -> str:
        """``text``, of one or many lines, without its secrets: those registered, and what looks like one."""
        text = self.hide(text)
        lowered = text.lower()
        for hint in _HINTS:
            if hint in lowered:
                break
        else:
            return text
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text
