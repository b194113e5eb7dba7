"""The catalogue says each thing once, and the whole of it."""

import pytest

from waddlebot.libs.templates import Dialect, compile_template
from waddlebot.libs.templates.catalogue import NOT_HERE, VARIABLES, names, nearest, table


def test_names_are_unique() -> None:
    for dialect in Dialect:
        written = [name for variable in VARIABLES for name in getattr(variable, dialect.value).split()]
        assert len(written) == len(set(written)), dialect
        assert all(name == name.lower() for name in written)
        assert not set(written) & set(NOT_HERE)
    assert len({variable.name for variable in VARIABLES}) == len(VARIABLES)


def test_every_variable_has_one_way_to_its_value() -> None:
    for variable in VARIABLES:
        assert (variable.evaluate is None) != (variable.ask is None), variable.name
        assert bool(variable.needs) == (variable.ask is not None), variable.name
        assert variable.meaning.endswith("."), variable.name


@pytest.mark.parametrize("dialect", list(Dialect))
def test_every_name_compiles_without_problems(dialect: Dialect) -> None:
    opener, closer = ("{", "}") if dialect is Dialect.NATIVE else ("$(", ")")
    for name, variable in names(dialect).items():
        argument = {"math": " 1", "countdown": " 20:00", "countup": " 20:00"}.get(variable.name, "")
        template = compile_template(f"{opener}{name}{argument}{closer}", dialect)
        assert template.problems == (), name
        assert template.names == {variable.name}


def test_nearest() -> None:
    assert nearest("chanel", Dialect.NIGHTBOT) == "channel"
    assert nearest("x" * 10_000, Dialect.NIGHTBOT) == ""


def test_the_table_has_a_row_a_variable() -> None:
    lines = table().splitlines()
    assert len(lines) == len(VARIABLES) + 2
    assert {line.count(" | ") for line in lines if line.startswith("| ")} == {5}
