"""Settings as people type and read them."""

import dataclasses
from typing import Annotated, Any

import pytest

from waddlebot.core.community.catalogue import Catalogue, info_of, meaning, shown, value_of
from waddlebot.libs.sdk import Field, FieldError, Module, Refusal


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    loud: Annotated[bool, Field("Whether to shout.")] = False
    words: Annotated[tuple[str, ...], Field("Words to watch.")] = ()
    sizes: Annotated[tuple[int, ...], Field("Sizes to take.")] = (1,)
    mood: Annotated[str, Field("How to sound.", choices=("glad", "sad"))] = "glad"
    least: Annotated[int, Field("The least.", at_least=0)] = 1
    most: Annotated[int, Field("The most.")] = 5
    token: Annotated[str, Field("A token.", secret=True)] = ""

    def __post_init__(self) -> None:
        if self.least > self.most:
            raise FieldError(f"The least ({self.least}) is more than the most ({self.most}).")


def declared(name: str) -> Module:
    return Module(f"waddlebot.action.{name}.module", "A module.", http_port=1, grpc_port=2, settings=Settings)


SHOUT = declared("interactive.shout")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("loud", "on", True),
        ("loud", "No", False),
        ("loud", "true", True),
        ("words", "a, b c,", ["a", "b c"]),
        ("words", "", []),
        ("sizes", "3, 4", [3, 4]),
        ("mood", "sad", "sad"),
        ("most", "7", 7),
    ],
)
def test_what_was_typed_becomes_a_value(name: str, text: str, value: Any) -> None:
    typed = value_of(SHOUT, info_of(SHOUT, name.upper()), text, {"gone": 1})
    assert (list(typed) if isinstance(typed, tuple) else typed) == value


@pytest.mark.parametrize(
    ("name", "text", "stored", "says"),
    [
        ("loud", "perhaps", {}, "true or false"),
        ("sizes", "3, x", {}, "Sizes to take"),
        ("mood", "angry", {}, "glad, sad"),
        ("least", "7", {}, "more than the most"),
        ("most", "7", {"least": 9}, "more than the most"),
        ("token", "hunter2", {}, "not for chat"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, text: str, stored: dict[str, Any], says: str) -> None:
    with pytest.raises(Refusal) as refused:
        value_of(SHOUT, info_of(SHOUT, name), text, stored)
    assert says in refused.value.text
    assert text not in refused.value.text or name != "token"


@pytest.mark.parametrize(
    ("name", "stored", "text"),
    [
        ("loud", {}, "loud = off"),
        ("words", {"words": ["a", "b"]}, "words = a, b"),
        ("token", {}, "token is not set"),
        ("token", {"token": "hunter2"}, "token is set"),
    ],
)
def test_values_are_shown_and_secrets_are_not(name: str, stored: dict[str, Any], text: str) -> None:
    assert shown(info_of(SHOUT, name), stored) == text


def test_a_setting_says_what_it_takes() -> None:
    assert meaning(info_of(SHOUT, "mood")) == "How to sound. It takes glad or sad."
    assert meaning(info_of(SHOUT, "most")) == "The most. It takes a whole number."


def test_a_short_name_must_be_clear() -> None:
    both = {module.name: module for module in (SHOUT, declared("pushing.shout"))}
    assert Catalogue(both).module("Interactive.Shout") is SHOUT
    with pytest.raises(Refusal, match=r"interactive\.shout or pushing\.shout"):
        Catalogue(both).module("shout")
    assert Catalogue({SHOUT.name: SHOUT}).module("shout") is SHOUT
