"""A module of WaddleBot that imports nothing of it: `weatherish.py BOT_URL API_KEY PORT [RESPONSES_URL]`.

It registers, says every second that it lives, and answers `!weatherish [city]`. Of `!weatherish later` it says the
rest afterwards, in the session of the call.
"""

import json
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAME = "acme.weatherish"
URL, KEY, PORT = sys.argv[1], sys.argv[2], int(sys.argv[3])
RESPONSES_URL = sys.argv[4] if len(sys.argv) > 4 else URL
ROUTER = "/api/v1/processing.router"

MANIFEST = {
    "summary": "Say what the weather is like.",
    "http": f"http://127.0.0.1:{PORT}",
    "commands": [
        {
            "name": "weatherish",
            "aliases": ["skies"],
            "help": "Say what the weather is like somewhere.",
            "arguments": [{"name": "city", "type": "text", "optional": True}],
            "timeout_s": 3,
        },
        {"name": "storm", "help": "Make one.", "rank": "moderator", "user_cooldown_s": 3600},
    ],
}


def ask(method: str, url: str, body: object = None) -> dict[str, object]:
    """Ask the bot; the JSON of its answer."""
    request = urllib.request.Request(  # noqa: S310  the address is the operator's
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"X-API-Key": KEY, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310  a test names the URL
        found: dict[str, object] = json.load(answer)
        return found


class Calls(BaseHTTPRequestHandler):
    """What the bot asks."""

    token = ""

    def do_POST(self) -> None:
        """Answer one call."""
        if self.path != f"/api/v1/{NAME}/_call" or self.headers["Authorization"] != f"Bearer {Calls.token}":
            self.send_error(403)
            return
        call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        city = call["arguments"].get("city")
        say(f"asked {call['session']} {call['entity']}")
        if city == "later":
            threading.Timer(0.5, respond, [call]).start()
        says = f"{city or 'Here'}: sunny-ish, says {call['event']['user_name']} ({', '.join(call['ranks'])})"
        if call["command"] == "storm":
            says = "Thunder!"
        body = json.dumps({"status": "ok", "replies": [{"text": says}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing of each call."""


def say(line: str) -> None:
    """Tell whoever started us."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def respond(call: dict[str, object]) -> None:
    """Say more of a call that was answered before."""
    late = {"session": call["session"], "entity": call["entity"], "module": NAME, "text": "And now it rains."}
    say(f"responded {ask('POST', f'{RESPONSES_URL}{ROUTER}/responses', late)}")


def live() -> None:
    """Register, and say again and again that we live; register anew where the bot has forgotten us."""
    while True:
        try:
            Calls.token = str(ask("PUT", f"{URL}{ROUTER}/registrations/{NAME}", MANIFEST)["token"])
            say("registered")
            while True:
                time.sleep(1)
                ask("POST", f"{URL}{ROUTER}/registrations/{NAME}/heartbeat")
        except urllib.error.HTTPError as error:
            say(f"refused {error.read().decode()}")
        except OSError as error:
            say(f"away {error}")
        time.sleep(1)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", PORT), Calls)
    threading.Thread(target=live, daemon=True).start()
    server.serve_forever()
