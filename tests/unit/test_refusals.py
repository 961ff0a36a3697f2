import pytest

from emulsion import command, refusals
from emulsion.errors import PassingError, UserError


@pytest.fixture(autouse=True)
def called(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(refusals.CALL, "first")


def job(error, tries):
    """A script that notes that it was tried, and ends with an error."""

    def main(*, value: int, minutes: float = 1) -> None:
        tries.append(value)
        raise error

    return main


def ended(main, *arguments):
    with pytest.raises(SystemExit) as left:
        command.run(main, arguments)
    return left.value.code


def test_a_job_that_was_refused_ends_at_its_next_try_before_it_starts(capsys):
    tries = []
    main = job(UserError("no such source."), tries)
    assert [ended(main, "--value", "1", "--minutes", minutes) for minutes in ("240", "480", "720")] == [1, 1, 1]
    assert tries == [1]
    said = capsys.readouterr().err
    assert said.count("error: no such source.\n") == said.count(refusals.FINAL) == 3


def test_another_job_and_another_call_of_snakemake_are_tried(monkeypatch):
    tries = []
    main = job(UserError("no such source."), tries)
    ended(main, "--value", "1")
    ended(main, "--value", "2")
    monkeypatch.setenv(refusals.CALL, "second")
    ended(main, "--value", "1")
    monkeypatch.delenv(refusals.CALL)
    ended(main, "--value", "1")
    assert tries == [1, 2, 1, 1]


def test_a_failure_that_may_pass_is_tried_again(capsys):
    tries = []
    main = job(PassingError("stopped, saved; start again to go on."), tries)
    assert [ended(main, "--value", "1") for _ in range(2)] == [1, 1]
    assert tries == [1, 1]
    assert refusals.FINAL not in capsys.readouterr().err


def test_a_damaged_note_of_a_refusal_keeps_no_job_from_being_tried(tmp_path, capsys):
    tries = []
    main = job(UserError("no such source."), tries)
    ended(main, "--value", "1")
    [note] = (tmp_path / ".snakemake/refused").iterdir()
    note.write_text(note.read_text()[:20])
    ended(main, "--value", "1")
    assert tries == [1, 1]


def test_a_path_that_is_not_utf8_does_not_hide_the_error(capsys):
    refusals.remember(["train.py"], "caf\udce9/one.txt: is empty.")
    refusals.repeat(["train.py"])
    assert refusals.FINAL in capsys.readouterr().err


def test_a_mistake_of_the_code_is_met_once_and_shown_each_time(capsys):
    tries = []
    main = job(KeyError("lost"), tries)
    with pytest.raises(KeyError):
        command.run(main, ["--value", "1"])
    capsys.readouterr()
    assert [ended(main, "--value", "1") for _ in range(2)] == [1, 1]
    assert tries == [1]
    said = capsys.readouterr().err
    assert said.count("error: Traceback (most recent call last)") == said.count("KeyError: 'lost'") == 2
    assert said.count(refusals.FINAL) == 2


def test_what_a_machine_lacked_is_tried_again():
    tries = []
    main = job(RuntimeError("CUDA error: an illegal memory access"), tries)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            command.run(main, ["--value", "1"])
    assert tries == [1, 1]


def test_a_command_line_that_does_not_fit_is_asked_once(capsys):
    main = job(UserError("never reached"), [])
    assert [ended(main, "--valu", "1") for _ in range(2)] == [2, 1]
    assert capsys.readouterr().err.count(refusals.FINAL) == 2
