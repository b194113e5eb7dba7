"""The scripts behind `make` on machines that differ from this one: run for real, on a PATH of their own."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GOOD_PYTHON = f'#!/bin/sh\nexec "{sys.base_prefix}/bin/python3.13" "$@"\n'
DEAD_SHIM = "#!/bin/sh\necho 'pyenv: python3.13: command not found' >&2\nexit 127\n"
OLD_PYTHON = "#!/bin/sh\nexit 1\n"  # fails the version check, as an older Python does


def run(script: str, *arguments: str, **environment: str | Path) -> subprocess.CompletedProcess[str]:
    """Run one of the scripts with nothing in its environment but what is given."""
    return subprocess.run(
        [ROOT / "scripts" / script, *arguments],
        env={name: str(value) for name, value in environment.items()},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def program(path: Path, text: str) -> Path:
    """Write an executable script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder for the PATH that holds the few standard programs the scripts use, and no Python."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("sh", "dirname", "date", "sed", "tee", "id"):
        found = shutil.which(name)
        assert found, name
        (folder / name).symlink_to(found)
    return folder


def test_the_named_python_is_taken(tools: Path, tmp_path: Path) -> None:
    mine = program(tmp_path / "mine" / "python", GOOD_PYTHON)
    program(tools / "python3.13", GOOD_PYTHON)
    assert run("find-python", PATH=tools, HOME=tmp_path, PYTHON=mine).stdout == f"{mine}\n"


def test_a_named_python_that_does_not_work_is_an_error(tools: Path, tmp_path: Path) -> None:
    program(tools / "python3.13", GOOD_PYTHON)
    old = program(tmp_path / "old" / "python3.11", OLD_PYTHON)
    found = run("find-python", PATH=tools, HOME=tmp_path, PYTHON=old)
    assert found.returncode == 1
    assert found.stdout == ""
    assert f"PYTHON={old}" in found.stderr


def test_a_dead_shim_does_not_hide_a_good_python(tools: Path, tmp_path: Path) -> None:
    dead = program(tmp_path / "pyenv" / "shims" / "python3.13", DEAD_SHIM).parent
    good = program(tmp_path / "good" / "python3.13", GOOD_PYTHON)
    assert run("find-python", PATH=f"{dead}:{tools}:{good.parent}", HOME=tmp_path).stdout == f"{good}\n"


def test_an_environment_that_is_active_is_no_base_for_another(tools: Path, tmp_path: Path) -> None:
    active = program(
        tmp_path / ".venv" / "bin" / "python3.13", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'
    ).parent
    good = program(tmp_path / "good" / "python3.13", GOOD_PYTHON)
    assert run("find-python", PATH=f"{active}:{tools}:{good.parent}", HOME=tmp_path).stdout == f"{good}\n"


@pytest.mark.parametrize("found_by", ["shim", "variable", "command", "home"])
def test_a_pyenv_version_is_found_behind_its_dead_shim(tools: Path, tmp_path: Path, found_by: str) -> None:
    root = tmp_path / (".pyenv" if found_by == "home" else "somewhere")
    program(root / "versions" / "3.13.0" / "bin" / "python3.13", DEAD_SHIM)  # half removed
    good = program(root / "versions" / "3.13.7" / "bin" / "python3.13", GOOD_PYTHON)
    path, environment = f"{tools}", {}
    if found_by == "shim":
        path = f"{program(root / 'shims' / 'python3.13', DEAD_SHIM).parent}:{tools}"
    elif found_by == "variable":
        environment = {"PYENV_ROOT": root}
    elif found_by == "command":
        program(tools / "pyenv", f'#!/bin/sh\n[ "$1" = root ] && echo "{root}"\n')
    found = run("find-python", PATH=path, HOME=tmp_path, **environment)
    assert found.stdout == f"{good}\n", found.stderr


def test_uv_fetches_a_python_when_there_is_none(tools: Path, tmp_path: Path) -> None:
    fetched = tmp_path / "fetched" / "python3.13"
    uv = program(
        tools / "uv",
        f"""#!/bin/sh
case "$1 $2" in
    "python install") : >"{tmp_path}/installed" ;;
    "python find") [ -e "{tmp_path}/installed" ] && echo "{fetched}" ;;
esac
""",
    )
    assert run("find-uv", PATH=tools, HOME=tmp_path).stdout == f"{uv}\n"
    assert run("find-python", PATH=tools, HOME=tmp_path).stdout == f"{fetched}\n"


def test_no_python_at_all_is_told_with_what_to_do(tools: Path, tmp_path: Path) -> None:
    program(tools / "uv", "#!/bin/sh\nexit 1\n")  # cannot download
    found = run("find-python", PATH=tools, HOME=tmp_path)
    assert found.returncode == 1
    assert found.stdout == ""
    assert "make PYTHON=/path/to/python3.13" in found.stderr


def test_missing_test_peers_are_named_with_one_command(tools: Path, tmp_path: Path) -> None:
    script = (ROOT / "scripts" / "install-test-peers").read_text(encoding="utf-8")
    # The real /usr/sbin may hold the servers: this copy looks only where the test says.
    copy = program(tmp_path / "peers", script.replace("PATH=$PATH:/usr/sbin:/sbin\n", ""))
    for name in ("chromium", "faketime", "strace", "apt-get"):
        program(tools / name, "#!/bin/sh\nexit 0\n")
    (tools / "id").unlink()
    program(tools / "id", "#!/bin/sh\necho 1000\n")
    asked = subprocess.run([copy], env={"PATH": str(tools)}, capture_output=True, text=True, check=False)
    assert asked.returncode == 1
    assert "sudo apt-get install --yes --no-install-recommends inspircd nginx ngircd" in asked.stderr

    (tools / "apt-get").unlink()
    elsewhere = subprocess.run([copy], env={"PATH": str(tools)}, capture_output=True, text=True, check=False)
    assert elsewhere.returncode == 1
    assert "inspircd nginx ngircd" in elsewhere.stderr


@pytest.fixture
def update_version(tmp_path: Path) -> Path:
    """The version script in a project of its own."""
    script = tmp_path / "scripts" / "version" / "update-version.sh"
    script.parent.mkdir(parents=True)
    return Path(shutil.copy(ROOT / "scripts" / "version" / "update-version.sh", script))


def next_version(script: Path, before: str, *part: str) -> str:
    """What the script makes of a version; it prints it and writes it to .version."""
    version = script.parents[2] / ".version"
    version.write_text(f"{before}\n", encoding="utf-8")
    printed = subprocess.run([script, *part], check=True, capture_output=True, text=True).stdout
    assert version.read_text(encoding="utf-8") == printed
    return printed.strip()


@pytest.mark.parametrize(
    ("part", "numbers"), [((), "1.2.3"), (("patch",), "1.2.4"), (("minor",), "1.3.0"), (("major",), "2.0.0")]
)
def test_a_version_is_raised_and_its_build_is_the_time(
    update_version: Path, part: tuple[str, ...], numbers: str
) -> None:
    started_at = int(time.time())
    raised, _, build = next_version(update_version, "v1.2.3.4", *part).rpartition(".")
    assert raised == f"v{numbers}"
    assert started_at <= int(build) <= int(time.time())


def test_a_build_always_grows(update_version: Path) -> None:
    assert next_version(update_version, "v1.2.3.99999999999") == "v1.2.3.100000000000"


@pytest.mark.parametrize(("before", "part"), [("1.2.3.4", ""), ("v1.2.3", "patch"), ("v1.2.3.4", "huge")])
def test_a_wrong_version_or_part_changes_nothing(update_version: Path, before: str, part: str) -> None:
    version = update_version.parents[2] / ".version"
    version.write_text(f"{before}\n", encoding="utf-8")
    refused = subprocess.run([update_version, part], check=False, capture_output=True, text=True)
    assert refused.returncode != 0
    assert "vMajor.Minor.Patch.build" in refused.stderr or "Usage" in refused.stderr
    assert version.read_text(encoding="utf-8") == f"{before}\n"


def test_make_lists_its_targets() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    targets = re.findall(r"^make ([a-z]+) +\S", listed, re.MULTILINE)
    assert {"run", "venv", "test", "check", "fmt", "bench", "docs", "drill", "clean"} <= set(targets)


def test_every_script_is_executable() -> None:
    scripts = [path for path in (ROOT / "scripts").rglob("*") if path.is_file()] + [ROOT / ".ci" / "run"]
    assert len(scripts) > 5
    assert [path for path in scripts if not os.access(path, os.X_OK)] == []
