"""A community's configuration as a document, at the command line."""

from pathlib import Path

from waddlebot.cli.tests.conftest import Call, Environ

TEXT = """\
waddlebot: 1
configuration:
  interactive.alias:
    custom:
      hi: {text: Hello}
      ho: {text: Ho}
"""


def test_a_document_is_planned_applied_and_rolled_back(call: Call, upgraded: Environ, tmp_path: Path) -> None:
    file = tmp_path / "lab.yaml"
    file.write_text(TEXT)
    into = ("--community", "lab")
    planned = call(upgraded, "config", "plan", str(file), *into)
    assert (planned.returncode, planned.stdout) == (
        1, "+ interactive.alias custom hi\n+ interactive.alias custom ho\n",
    )  # fmt: skip
    assert "interactive.alias: {}" in call(upgraded, "config", "export", *into).stdout
    done = call(upgraded, "config", "apply", str(file), *into, "--yes")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("Done by change 1. Take it back: waddlebot undo 1 --community lab\n")
    exported = call(upgraded, "config", "export", *into).stdout
    assert "hi:\n        text: Hello" in exported
    file.write_text(exported.replace("Hello", "Hi").replace("Ho", "Ha"))
    assert "~ interactive.alias custom hi\n    text: 'Hello' → 'Hi'" in call(
        upgraded, "config", "plan", str(file), *into
    ).stdout  # fmt: skip
    assert call(upgraded, "config", "apply", str(file), *into, "--yes").returncode == 0
    back = call(upgraded, "config", "rollback", "1", *into, "--yes")
    assert back.returncode == 0, back.stderr
    assert call(upgraded, "config", "export", *into).stdout == exported.replace("version: 1", "version: 3")
    file.write_text(exported)
    same = call(upgraded, "config", "plan", str(file), *into)
    assert (same.returncode, "so already" in same.stderr) == (0, True)
    listed = call(upgraded, "config", "history", *into).stdout
    assert "removed" not in listed
    assert listed.count("changed interactive.alias") == 4


def test_what_is_wrong_is_named_and_nothing_is_changed(call: Call, upgraded: Environ, tmp_path: Path) -> None:
    file = tmp_path / "lab.yaml"
    file.write_text(TEXT.replace("text: Ho", "txt: Ho"))
    refused = call(upgraded, "config", "apply", str(file), "--yes")
    assert refused.returncode == 1
    assert "Nothing was changed: interactive.alias custom ho: 'txt' is unknown." in refused.stderr
    assert "cannot be read" in call(upgraded, "config", "plan", str(tmp_path / "none.yaml")).stderr
    assert "add --yes" in call(upgraded, "config", "apply", "-").stderr
    far = call(upgraded, "config", "rollback", "99", "--yes")
    assert (far.returncode, "no change 99 in home" in far.stderr) == (1, True)
    assert "Nothing was changed in home yet." in call(upgraded, "config", "history").stderr
