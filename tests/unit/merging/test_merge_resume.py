import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from emulsion.errors import UserError
from emulsion.merging import cursor, merge
from merging_cases import WEIGHTS, content, request

SCRIPT = Path(__file__).parents[3] / "workflow" / "scripts" / "merge_datasets.py"


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 45), st.integers(1, 25), st.booleans())
@example(cut_after=0, window=14, weighted=True)
@example(cut_after=40, window=9, weighted=False)
def test_a_merge_that_was_cut_off_ends_with_the_bytes_of_one_that_was_not(corpus, cut_after, window, weighted):
    for name in ("whole", "cut"):
        shutil.rmtree(corpus / name, ignore_errors=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cursor, "WINDOW_DOCUMENTS", window)
        wanted = request(weighted, shard_bytes=2500, max_samples=250)
        merge(wanted, corpus / "whole")
        draws, draw = iter(range(cut_after * 5)), cursor.Cursor.draw

        def interrupted(self):
            if next(draws, None) is None:
                raise KeyboardInterrupt
            return draw(self)

        with pytest.MonkeyPatch.context() as cut:
            cut.setattr(cursor.Cursor, "draw", interrupted)
            with pytest.raises(KeyboardInterrupt):
                merge(wanted, corpus / "cut")
        assert not (corpus / "cut" / "manifest.json").exists()
        merge(wanted, corpus / "cut")
    assert content(corpus / "cut") == content(corpus / "whole")


def test_a_merge_killed_ten_times_ends_as_one_that_ran_through(corpus):
    entries = [{"name": name, "files": [f"{name}-*.jsonl"], "weight": weight} for name, weight in WEIGHTS.items()]
    (corpus / "config.yaml").write_text(yaml.safe_dump({"datasets": entries}))
    options = ["--config", "config.yaml", "--use-weights", "--max-samples", "3000", "--shard-megabytes", "0.003"]

    def start(folder):
        return subprocess.Popen([sys.executable, SCRIPT, *options, "--output-dir", folder], stderr=subprocess.PIPE)

    whole = start("whole")
    assert whole.wait(60) == 0, whole.stderr.read()
    chance = random.Random(0)
    shards = len(list((corpus / "whole").glob("shard-*")))
    for kill in range(10):
        running = start("killed")
        wanted = shards * (kill + chance.random()) / 12
        while len(list((corpus / "killed").glob("shard-*"))) < wanted and running.poll() is None:
            time.sleep(chance.random() * 0.002)
        running.send_signal(signal.SIGKILL)
        assert running.wait(60) == -signal.SIGKILL
        assert not (corpus / "killed" / "manifest.json").exists()
    last = start("killed")
    assert last.wait(60) == 0, last.stderr.read()
    assert content(corpus / "killed") == content(corpus / "whole")


def test_a_finished_merge_is_left_as_it_is_and_a_changed_one_made_afresh(corpus):
    folder = corpus / "out"
    merge(request(max_samples=100), folder)
    times = {file: file.stat().st_mtime_ns for file in folder.iterdir()}
    merge(request(max_samples=100), folder)
    assert {file: file.stat().st_mtime_ns for file in folder.iterdir()} == times
    merge(request(max_samples=20), folder)
    merge(request(max_samples=20), corpus / "fresh")
    assert content(folder) == content(corpus / "fresh")
    with (corpus / "few-0.jsonl").open("a") as file:
        file.write('{"text": "one more"}\n')
    assert (
        merge(request(max_samples=20), folder)["fingerprint"]
        != json.loads((corpus / "fresh" / "manifest.json").read_text())["fingerprint"]
    )


def test_a_folder_with_other_files_is_not_touched(corpus):
    (corpus / "out").mkdir()
    (corpus / "out" / "thesis.txt").write_text("mine")
    (corpus / "out" / "manifest.json").write_text("{}")
    before = content(corpus / "out")
    with pytest.raises(UserError, match="holds files that are not of a merge"):
        merge(request(), corpus / "out")
    assert content(corpus / "out") == before
