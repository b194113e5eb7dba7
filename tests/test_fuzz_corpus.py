"""Inputs that fuzzing found worth keeping, those that were bugs among them, go through every door again."""

import pytest

from fuzz import corpora, targets


@pytest.mark.parametrize("name", targets.names())
def test_every_kept_input_holds(name: str) -> None:
    kept = corpora.kept(name)
    assert kept, f"{name} keeps nothing: run python -m fuzz {name}"
    assert len(kept) <= corpora.FILES_MAX
    assert sum(map(len, kept.values())) <= corpora.BYTES_MAX
    target = targets.load(name)
    try:
        for file, data in kept.items():
            try:
                target.check(data)
            except BaseException as error:
                error.add_note(f"by the input fuzz/corpus/{name}/{file}")
                raise
    finally:
        targets.close(target)
