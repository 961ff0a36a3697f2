"""A proposal follows the folders, the measured speed and the time; what it writes is what was checked."""

from pathlib import Path

import pytest
import yaml

from emulsion.data.sources.folders import look
from emulsion.errors import UserError
from emulsion.fields import read_yaml
from emulsion.study.check import check
from emulsion.study.proposal import device_hours, held_out_share, names_of, notes_of, propose, written
from emulsion.study.sizes import bytes_per_token
from emulsion.training.speed import Speed

SCHEMA = Path("workflow/schemas/config.schema.yaml")
PATTERN = read_yaml(SCHEMA)["$defs"]["file_name"]["pattern"]
SPEED = Speed(tokens_per_second=30_000, seconds_to_start=5, share=1.0, at_once=2, on="one core")
WORDS = {"speeches": "the people of the nation and that it has ", "roman": "der Mann und die Frau und das Haus ist "}


@pytest.fixture(scope="module")
def looks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    for name, words in WORDS.items():
        (folder / name).mkdir()
        (folder / name / "all.txt").write_text(words * (40_000 if name == "speeches" else 2_000))
    return {name: look(str(folder / name), name) for name in WORDS}


def test_sources_have_the_names_of_their_folders():
    assert names_of(["a/my speeches", "b/Novel", "c.jsonl"], PATTERN) == {
        "my-speeches": "a/my speeches",
        "Novel": "b/Novel",
        "c": "c.jsonl",
    }
    assert list(names_of(["one/texts", "two/texts"], PATTERN)) == ["texts", "two_texts"]
    assert list(names_of(["one/mean", "one/w_"], PATTERN)) == ["one_mean", "w_"]
    assert list(names_of(["my/fineweb", "my/novel"], PATTERN, ["FineWeb"])) == ["my_fineweb", "novel"]
    with pytest.raises(UserError, match="rename it"):
        names_of(["a/1984"], PATTERN) and names_of(["x/texts", "x/texts", "x/texts"], PATTERN)
    with pytest.raises(UserError, match="texts/рус: its name makes no name of a source"):
        names_of(["texts/рус", "texts/été"], PATTERN)


def test_files_that_two_folders_share_are_told(tmp_path):
    for name, files in {"one": "abcd", "two": "cde", "three": "fg"}.items():
        (tmp_path / name).mkdir()
        for file in files:
            (tmp_path / name / f"{name}-{file}.txt").write_text(f"Text {file}. " * 50)
    looks = {name: look(str(tmp_path / name), name) for name in ("one", "two", "three")}
    [said] = [note for note in notes_of(looks) if "share" in note]
    assert said.startswith("one and two share 2 files: what one holds out")


def test_what_is_written_is_what_was_proposed(looks):
    found = propose("mix", looks, 20, 2, SPEED, SCHEMA)
    text = written(found, "mix", "# request", ["A note."])
    config = yaml.safe_load(text)
    check(config, SCHEMA)
    assert config == found.whole
    assert text.startswith("# request\n") and "# A note.\n" in text
    assert len(yaml.safe_dump(found.config["experiments"], default_flow_style=None).splitlines()) <= 12


def test_more_time_and_more_speed_train_on_more_tokens(looks):
    def tokens(minutes, speed):
        return propose("mix", looks, minutes, 2, speed, SCHEMA).config["experiments"]["mix"]["tokens"]

    slow = Speed(tokens_per_second=6_000, seconds_to_start=5, share=1.0, at_once=2, on="one core")
    assert tokens(8, slow) < tokens(12, slow) < tokens(12, SPEED)


def test_time_that_is_too_short_is_refused_with_what_is_enough(looks):
    busy = Speed(tokens_per_second=1_000, seconds_to_start=30, share=0.1, at_once=2, on="one core")
    with pytest.raises(UserError, match=r"--minutes: 10 are too few.*left 10 %.*\d+ are enough"):
        propose("mix", looks, 10, 2, busy, SCHEMA)
    with pytest.raises(UserError, match="preparing 2 sources and concluding"):
        device_hours(0.1, 2, 2, busy)


def test_reasons_name_the_measured_speed(looks):
    reasons = {what: (chosen, why) for what, chosen, why in propose("mix", looks, 20, 2, SPEED, SCHEMA).reasons}
    assert reasons["speed"][1].startswith("measured now: 2 trainings at once, on one core each, 30,000 tokens a second")
    assert reasons["compared"][0] == "uniform, proportional, optimum"
    assert reasons["swarm"][0] == "9 runs"


def test_the_passes_over_all_text_are_those_of_a_run_and_two_at_most(looks):
    proposal = propose("mix", looks, 20, 2, SPEED, SCHEMA)
    reasons = {what: (chosen, why) for what, chosen, why in proposal.reasons}
    tokens = int(reasons["tokens of a run"][0].replace(",", ""))
    vocabulary = int(reasons["vocabulary"][0].replace(",", ""))
    passes = tokens * bytes_per_token(vocabulary) / sum(each.bytes for each in looks.values())
    assert 0 < passes < 2 and reasons["tokens of a run"][1].endswith(f"about {passes:.2g} over all text")


def test_two_folders_with_the_same_files_are_pointed_at(looks):
    assert any("roman and again hold the same files" in note for note in notes_of({**looks, "again": looks["roman"]}))


def test_small_and_foreign_sources_are_pointed_at(looks):
    small, foreign = notes_of(looks)
    assert small.startswith("roman is 21 times smaller than speeches")
    assert foreign == "Languages differ: speeches is English, roman is German."
    assert held_out_share(looks) == 0.05
