import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import machine, rounds
from benchmarks.rounds import Case, CaseFailedError, Outcome

DRIVE = """
from benchmarks.peers.driving import Drive
drive = Drive("rich")
for number, text in enumerate(drive.texts()):
    assert text.startswith("!command")
    name = text.split()[0][1:]
    {handle}
drive.report()
"""


def python(name: str, code: str) -> Case:
    return Case(name, (sys.executable, "-c", code))


def test_cases_take_turns_and_keep_every_round(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = (
        "import json; log = open({log!r}, 'a+'); log.write({name!r}); log.seek(0); "
        "print('warming up'); print(json.dumps({{'size_mb': len(log.read()), 'checked': 9}}))"
    )
    cases = [python(name, code.format(log=str(log), name=name)) for name in "ABC"]
    outcomes = rounds.run(cases, 3)
    assert log.read_text() == "ABCABCABC"
    assert outcomes["B"].figures == {"size_mb": [2.0, 5.0, 8.0]}
    assert outcomes["B"].median("size_mb") == 5.0
    (detail,) = [detail for detail in rounds.details(outcomes) if detail["name"] == "B"]
    assert detail["checked"] == 9
    assert detail["figures"]["size_mb"] == {"median": 5.0, "min": 2.0, "max": 8.0, "rounds": [2.0, 5.0, 8.0]}


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise SystemExit('three handlers did not run')", "three handlers did not run"),
        ("print('no figures')", "no figures"),
        ("pass", "printed no JSON"),
        ("print([1])", "no JSON object"),
    ],
)
def test_a_case_that_fails_stops_the_run(code: str, message: str) -> None:
    with pytest.raises(CaseFailedError, match=message):
        rounds.run([python("broken", code)], 1)


def test_headlines_are_our_medians_and_the_best_of_each_peer() -> None:
    own = Outcome({"lines_per_s": [3.0, 1.0, 2.0], "idle_pss_mb": [90.0]})
    peers = [Outcome({"per_s": [value]}, {"peer": peer}) for peer, value in (("x", 5.0), ("x", 7.0), ("y", 1.0))]
    assert rounds.headlines([own], peers) == {
        "lines_per_s": 2.0,
        "idle_pss_mb": 90.0,
        "peers": {"x": 7.0, "y": 1.0},
    }
    with pytest.raises(ValueError, match="lines_per_s"):
        rounds.headlines([own, own], [])


def test_an_own_case_prints_json_from_one_core() -> None:
    code = (
        "import os, sys; from benchmarks.measuring import main; sys.argv.append('--json'); "
        "main(lambda quick: {'cores': len(os.sched_getaffinity(0)), 'quick': quick, 'time_s': 1.5})"
    )
    assert rounds.run_case(python("own", code)) == {"cores": 1, "quick": False, "time_s": 1.5}


def drive(handle: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", DRIVE.format(handle=handle), "--commands=7", "--seconds=0.05"]
    return subprocess.run(argv, cwd=machine.ROOT, capture_output=True, text=True, check=False)


def test_a_peer_counts_when_every_handler_ran_and_replied() -> None:
    done = drive("drive.sink(drive.handle(name))")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["peer"], report["commands"]) == ("rich", 7)
    assert report["checked"] > 0
    assert report["checked"] / report["per_s"] >= 0.05


@pytest.mark.parametrize(
    "handle",
    [
        "pass",
        "drive.handle(name)",
        "drive.sink(drive.handle('command0'))",
        "number % 50 and drive.sink(drive.handle(name))",
    ],
)
def test_a_peer_whose_handlers_did_not_all_run_does_not_count(handle: str) -> None:
    done = drive(handle)
    assert done.returncode != 0
    assert "commands pushed" in done.stderr


def test_the_machine_is_described() -> None:
    facts = machine.facts()
    assert facts["cpu"]
    assert int(facts["cores"]) >= 1
    assert str(facts["commit"]).removesuffix("+").isalnum()
