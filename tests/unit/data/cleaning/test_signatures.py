import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from cleaning_texts import prose, with_changes
from emulsion.data.cleaning import Cleaning, Signer, Words

SETTINGS = Cleaning.from_json({"deduplicate": {"near": {}}})
SCRIPTS = Path(__file__).parents[4] / "workflow" / "scripts"


def bands(*texts: str) -> np.ndarray:
    """[texts, bands]"""
    table = Signer(SETTINGS).table([str(row) for row in range(len(texts))], Words(texts))
    return np.stack([table.column(name).to_numpy() for name in table.column_names if name.startswith("band_")], axis=1)


def test_signatures_are_the_same_in_every_version_and_on_every_machine():
    """Signatures on disk outlive an upgrade: where this fails, the algorithm they name must change as well."""
    text = "The quick brown fox jumps over the lazy dog, and the dog does not mind it at all."
    table = Signer(SETTINGS).table(["a"], Words([text])).select(["text_hash", "id_hash", "band_00", "band_13"])
    assert table.to_pylist() == [
        {
            "text_hash": 6630318956706719090,
            "id_hash": 3405396810240292928,
            "band_00": 3103053201166622179,
            "band_13": 16171941500370585561,
        }
    ]


def test_signatures_do_not_depend_on_the_process_or_its_threads():
    code = (
        "from cleaning_texts import prose; from test_signatures import bands; import numpy, hashlib;"
        "print(hashlib.sha256(bands(*map(prose, range(40))).tobytes()).hexdigest())"
    )
    printed = set()
    for threads, seed in (("1", "1"), ("3", "2")):
        environment = {"RAYON_NUM_THREADS": threads, "PYTHONHASHSEED": seed}
        path = os.pathsep.join([str(SCRIPTS), str(Path(__file__).parent), str(Path(__file__).parents[3])])
        given = {**os.environ, **environment, "PYTHONPATH": path}
        run = subprocess.run([sys.executable, "-c", code], env=given, capture_output=True, text=True, check=True)
        printed.add(run.stdout)
    assert len(printed) == 1


def test_bands_in_common_are_as_frequent_as_the_similarity_says():
    """20 of 196 5-grams are replaced: a similarity of 176 / 216, and with its 8th power a band of 8 is shared."""
    pairs = [(prose(seed), with_changes(prose(seed), (20, 60, 100, 140))) for seed in range(100)]
    before, after = bands(*(one for one, _ in pairs)), bands(*(other for _, other in pairs))
    expected = (176 / 216) ** 8
    shares = (before == after).mean()
    assert abs(shares - expected) < 0.05


def test_unrelated_texts_share_no_band():
    found = bands(*map(prose, range(200)))
    assert all(len(set(column.tolist())) == 200 for column in found.T)


def test_case_marks_and_blanks_do_not_tell_texts_apart_but_short_texts_are_not_alike():
    one, other, short, shorter, none, marks = bands(
        "Yes, I do -- like it", "yes i do\nlike IT!", "yes I do", "yes I", "???", "!!!"
    )
    assert np.array_equal(one, other)
    rest = [one, short, shorter, none, marks]
    assert all(not (rest[a] == rest[b]).any() for a in range(5) for b in range(a))


def test_nothing_is_signed_where_nothing_is_deduplicated():
    table = Signer(Cleaning.none()).table(["a"], Words(["text"]))
    assert table.num_rows == 0
    assert table.schema == Signer(Cleaning.none()).schema


def test_only_texts_are_hashed_where_only_exact_copies_go():
    settings = Cleaning.from_json({"deduplicate": {"exact": True}})
    assert Signer(settings).table(["a"], Words(["text"])).column_names == ["id", "text_hash", "id_hash"]
    assert Signer(settings).table([], Words([])).schema == Signer(settings).schema
