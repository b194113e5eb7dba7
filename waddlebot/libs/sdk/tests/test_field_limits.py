"""What fields refuse at the edges, what they tell of it, and that forms are told the same."""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NewType

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.libs.sdk.fields import (
    Field,
    FieldError,
    FieldInfo,
    build,
    check,
    fields_of,
    from_environment,
    json_schema,
    split_annotation,
)

Level = NewType("Level", int)
type Share = Annotated[float, Field("A share.", at_least=0, at_most=1)]
type Switch = Literal["on", "off"]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Form:
    name: Annotated[str, Field("Who.", length_max=3)]
    count: Annotated[int, Field("How many.", at_least=-2, at_most=9)] = 1
    share: Share = 0.5
    side: Annotated[str | None, Field("Which.", choices=("left", "right"))] = None
    key: Annotated[str, Field("What opens it.", secret=True)] = "default"
    wait_s: Annotated[float, Field("How long.", at_least=0)] | None = None
    loud: Switch = "off"
    plain: bool = False


FORM = {info.name: info for info in fields_of(Form)}


def info_of(hint: Any, field: Field | None = None) -> FieldInfo:
    return FieldInfo("it", hint, field or Field(""), dataclasses.MISSING)


def refusal(info: FieldInfo, value: Any) -> str:
    """What ``check`` tells of a value that it refuses; empty for one that it takes, then and again."""
    try:
        taken = check(info, value)
    except FieldError as error:
        return str(error)
    assert check(info, taken) == taken
    return ""


@pytest.mark.parametrize(
    ("hint", "plain", "help_"),
    [
        (int, int, None),
        (Annotated[int, "no field", Field("here")], int, "here"),
        (Annotated[int, "no field"], int, None),
        (Annotated[int | None, Field("here")], int | None, "here"),
        (Annotated[int, Field("here")] | None, int | None, "here"),
        (Share, float, "A share."),
        (Share | None, float | None, "A share."),
        (Annotated[Share, Field("nearer")], float, "nearer"),
        (Switch | None, Literal["on", "off"] | None, None),
        (int | str, int | str, None),
    ],
)
def test_a_field_is_found_wherever_it_stands(hint: Any, plain: Any, help_: str | None) -> None:
    found, field = split_annotation(hint)
    assert found == plain
    assert (field.help if field else None) == help_


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("share", 1.1, "share is at most 1, not 1.1."),
        ("wait_s", -1.0, "wait_s is at least 0, not -1.0."),
        ("wait_s", "soon", "wait_s takes a number, not 'soon'."),
        ("count", 5.0, "count takes a whole number, not 5.0."),
        ("count", True, "count takes a whole number, not True."),
        ("loud", "loud", "loud takes on or off, not 'loud'."),
        ("side", "up", "side is one of left, right, not 'up'."),
        ("name", "Anna", "name has at most 3 characters, not 4."),
        ("plain", "yes", "plain takes true or false, not 'yes'."),
    ],
)
def test_bounds_hold_behind_aliases_and_for_optional_fields(name: str, value: Any, words: str) -> None:
    with pytest.raises(FieldError) as refused:
        check(FORM[name], value)
    assert str(refused.value) == words


@pytest.mark.parametrize("value", ["9" * 300, "9" * 5_000, 2**63, -(2**63) - 1, 10**400])
def test_numbers_that_no_database_holds_are_refused(value: Any) -> None:
    with pytest.raises(FieldError, match=r"^it "):
        check(info_of(int), value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), "nan", "-inf", "Infinity", 10**400])
@pytest.mark.parametrize("field", [Field(""), Field("", at_least=0), Field("", at_most=0)])
def test_a_number_is_finite(value: Any, field: Field) -> None:
    with pytest.raises(FieldError, match=r"^it takes a number, not "):
        check(info_of(float, field), value)


@pytest.mark.parametrize(
    ("most", "words"),
    [(2_592_000, "2592000"), (2_592_000.0, "2592000"), (0.1, "0.1"), (2**62, "4611686018427387904")],
)
def test_bounds_are_told_in_full(most: float, words: str) -> None:
    with pytest.raises(FieldError) as refused:
        check(info_of(int, Field("", at_most=most)), 2**63 - 1)
    assert str(refused.value) == f"it is at most {words}, not 9223372036854775807."


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (Level, "a whole number"),
        (tuple[str, ...], "a list"),
        (list[int], "a list"),
        (dict[str, int], "values by name"),
    ],
)
def test_types_are_told_in_words(hint: Any, words: str) -> None:
    with pytest.raises(FieldError, match=f"^it takes {words}, not 'x'"):
        check(info_of(hint), "x")


def test_long_values_are_not_repeated_at_length() -> None:
    with pytest.raises(FieldError) as refused:
        check(info_of(int), "spam " * 1_000)
    assert len(str(refused.value)) < 120


@pytest.mark.parametrize("hint", [int, float, bool, Switch, Literal["a"] | None])
def test_half_a_surrogate_pair_is_refused_where_text_is_no_answer(hint: Any) -> None:
    plain, _ = split_annotation(hint)
    assert refusal(info_of(plain), "\ud800").startswith("it takes ")


@pytest.mark.parametrize(
    ("hint", "field"),
    [
        (int, Field("", secret=True)),
        (int, Field("", secret=True, at_least=10**10)),
        (int, Field("", secret=True, at_most=5)),
        (float, Field("", secret=True, at_most=5)),
        (list[str], Field("", secret=True)),
        (str, Field("", secret=True, choices=("open",))),
        (str, Field("", secret=True, length_max=3)),
    ],
)
@given(value=st.integers(10, 10**30).map(str) | st.text("abc0123456789", min_size=4))
def test_a_secret_stays_out_of_every_refusal(hint: Any, field: Field, value: str) -> None:
    told = refusal(info_of(hint, field), value)
    ending = "not that." if field.length_max is None else f"not {len(value)}."
    assert not told or told.endswith((ending, "it is too large a number."))


@given(JSON, st.sampled_from(sorted(FORM)))
def test_any_value_is_taken_for_good_or_refused_by_name(value: Any, name: str) -> None:
    told = refusal(FORM[name], value)
    assert not told or told.startswith(f"{name} ")


def test_missing_and_unknown_names_are_refused_by_name() -> None:
    with pytest.raises(FieldError, match=r"^missing: name\.$"):
        build(Form, {"count": 3})
    with pytest.raises(FieldError, match=r"^unknown: extra, other; known: count, key, "):
        build(Form, {"name": "Ann", "other": 1, "extra": 2})
    assert build(Form, {"name": "Ann", "side": None}) == Form("Ann")


def test_an_empty_variable_is_unset_and_a_missing_one_is_named_with_its_meaning() -> None:
    assert from_environment(Form, "a.b", {"A_B_NAME": "Ann", "A_B_COUNT": "", "A_B_WAIT_S": "1e1"}) == Form(
        "Ann", wait_s=10.0
    )
    environ: Mapping[str, str]
    for environ in ({}, {"A_B_NAME": ""}):
        with pytest.raises(FieldError, match=r"^A_B_NAME is not set: Who\.$"):
            from_environment(Form, "a.b", environ)


def test_a_schema_tells_what_the_checks_hold() -> None:
    schema = json_schema(Form)
    jsonschema.Draft202012Validator.check_schema(schema)
    properties = schema["$defs"]["Form"]["properties"]
    assert properties["count"] == {
        "type": "integer", "description": "How many.", "minimum": -2, "maximum": 9, "default": 1,
    }  # fmt: skip
    assert properties["name"]["maxLength"] == 3
    assert properties["key"] == {"type": "string", "description": "What opens it.", "writeOnly": True}
    assert schema["$defs"]["Form"]["required"] == ["name"]


_VALIDATOR = jsonschema.Draft202012Validator(json_schema(Form))


@given(
    st.fixed_dictionaries(
        {"name": st.text(max_size=5)},
        optional={
            "count": st.integers(-5, 12) | st.booleans() | st.none(),
            "share": st.floats(-1, 2) | st.integers(-1, 2),
            "side": st.sampled_from(["left", "right", "up", None]),
            "wait_s": st.none() | st.floats(-5, 5),
            "loud": st.sampled_from(["on", "off", "On"]),
        },
    )
)
def test_a_form_that_follows_the_schema_is_taken_and_no_other(values: dict[str, Any]) -> None:
    try:
        build(Form, values)
    except FieldError:
        assert not _VALIDATOR.is_valid(values)
    else:
        assert _VALIDATOR.is_valid(values)
