"""Settings and Config: dataclasses that say what they mean."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.libs.sdk.fields import (
    Field,
    FieldError,
    build,
    check,
    env_name,
    fields_of,
    from_environment,
    json_schema,
    problems_of,
    type_words,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    greeting: Annotated[str, Field("What we say.", length_max=10)] = "hello"
    raiders_min: Annotated[int, Field("How many.", at_least=1, at_most=100)] = 5
    share: Annotated[float, Field("How much.", at_least=0)] = 0.5
    loud: bool = False
    mode: Annotated[str, Field("How.", choices=("a", "b"))] = "a"
    limit: int | None = None
    names: tuple[str, ...] = dataclasses.field(default_factory=lambda: ("x",))


@dataclasses.dataclass(frozen=True, slots=True)
class Config:
    key: Annotated[str, Field("The key of the service.", secret=True)]
    model: str = "small"
    url: Annotated[str, Field("Where.", env="SERVICE_URL")] = "http://localhost"
    tokens: Annotated[int, Field("How many.", at_least=1)] = 500


def test_fields_in_order_with_their_defaults() -> None:
    infos = fields_of(Settings)
    assert [info.name for info in infos][:3] == ["greeting", "raiders_min", "share"]
    assert infos[-1].default == ("x",)
    assert fields_of(Config)[0].required


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"greeting": "x" * 11}, "greeting has at most 10 characters, not 11"),
        ({"raiders_min": 0}, "raiders_min is at least 1, not 0"),
        ({"raiders_min": 101}, "raiders_min is at most 100"),
        ({"raiders_min": "many"}, "raiders_min takes a whole number, not 'many'"),
        ({"raiders_min": 1.5}, "raiders_min takes a whole number"),
        ({"share": float("inf")}, "share takes a number"),
        ({"loud": "maybe"}, "loud takes true or false"),
        ({"mode": "c"}, "mode is one of a, b, not 'c'"),
        ({"limit": "x"}, "limit takes a whole number"),
        ({"name": 1}, "unknown: name; known: greeting"),
    ],
)
def test_what_is_refused_names_the_field(values: dict[str, Any], words: str) -> None:
    with pytest.raises(FieldError, match=words):
        build(Settings, values)


def test_text_becomes_what_the_field_is() -> None:
    built = build(Settings, {"raiders_min": "7", "share": "0.25", "loud": "true", "limit": "3"})
    assert built == Settings(raiders_min=7, share=0.25, loud=True, limit=3)


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.text())))
def test_any_value_fits_or_is_refused(value: Any) -> None:
    for info in fields_of(Settings):
        try:
            converted = check(info, value)
        except FieldError:
            continue
        assert check(info, converted) == converted


def test_a_secret_is_never_shown() -> None:
    info = dataclasses.replace(fields_of(Config)[0], type=int)
    with pytest.raises(FieldError) as refused:
        check(info, "hunter2")
    assert "hunter2" not in str(refused.value)


def test_a_config_from_the_environment() -> None:
    environ = {
        "INTERACTIVE_AI_KEY": "k",
        "INTERACTIVE_AI_MODEL": "",
        "SERVICE_URL": "u",
        "INTERACTIVE_AI_TOKENS": "9",
    }
    assert from_environment(Config, "interactive.ai", environ) == Config("k", url="u", tokens=9)
    assert env_name("interactive.ai", fields_of(Config)[1]) == "INTERACTIVE_AI_MODEL"


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "INTERACTIVE_AI_KEY is not set: The key of the service."),
        ({"INTERACTIVE_AI_KEY": "k", "INTERACTIVE_AI_TOKENS": "0"}, "INTERACTIVE_AI_TOKENS is at least 1"),
    ],
)
def test_a_wrong_environment_names_the_variable(environ: dict[str, str], words: str) -> None:
    with pytest.raises(FieldError, match=words):
        from_environment(Config, "interactive.ai", environ)


@dataclasses.dataclass(frozen=True, slots=True)
class Sealed:
    token: Annotated[str, Field("A token.", secret=True)] = ""
    size: Annotated[int, Field("A size.", at_least=1)] = 1
    name: Annotated[str, Field("A name.", length_min=3)] = "abc"


def test_a_secret_may_be_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("from-a-file\n", encoding="utf-8")
    environ = {"M_TOKEN_FILE": str(path), "M_SIZE_FILE": str(path)}
    assert from_environment(Sealed, "m", environ) == Sealed("from-a-file", 1)  # what is no secret is no file
    assert from_environment(Sealed, "m", environ | {"M_TOKEN": "here"}).token == "here"
    path.unlink()
    with pytest.raises(FieldError, match=r"M_TOKEN_FILE names .*token, which cannot be read: No such file"):
        from_environment(Sealed, "m", environ)


def test_all_problems_are_told_at_once() -> None:
    environ = {"M_TOKEN_FILE": "/nowhere", "M_SIZE": "0", "M_NAME": "ab"}
    found = {problem.variable: problem.problem for problem in problems_of(Sealed, "m", environ)}
    assert list(found) == ["M_TOKEN", "M_SIZE", "M_NAME"]
    assert found["M_SIZE"] == "M_SIZE is at least 1, not 0."
    assert found["M_NAME"] == "M_NAME has at least 3 characters, not 2."
    assert problems_of(Sealed, "m", {}) == []


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERACTIVE_AI_KEY", "mine")
    assert from_environment(Config, "interactive.ai").key == "mine"


def test_words_for_types() -> None:
    def words(hint: Any) -> str:
        return type_words(dataclasses.replace(fields_of(Settings)[0], type=hint))

    assert words(Literal["on", "off"]) == "on or off"
    assert words(int | None) == "a whole number"
    assert words(bytes) == "bytes"


def test_a_json_schema() -> None:
    assert "Settings" in str(json_schema(Settings))
