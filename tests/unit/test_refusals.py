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
    assert capsys.readouterr().err.count("error: no such source.") == 3


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


def test_a_failure_that_may_pass_is_tried_again():
    tries = []
    main = job(PassingError("stopped, saved; start again to go on."), tries)
    assert [ended(main, "--value", "1") for _ in range(2)] == [1, 1]
    assert tries == [1, 1]
