"""A training whose end no Snakemake saw, by the real rules: its model is taken, and nothing is trained again."""

from base64 import urlsafe_b64encode

from workflow_project import TINY, planned, snakemake

RUN = "exp3-equal_mix"


def test_a_model_that_snakemake_believes_unfinished_is_taken(editable):
    model = editable / f"models/{RUN}"
    whole = {file.name: file.read_bytes() for file in model.iterdir()}
    for name in whole:
        mark = editable / ".snakemake/incomplete" / urlsafe_b64encode(f"models/{RUN}/{name}".encode()).decode()
        mark.write_text("{}")
    said = snakemake(editable, "--cores", "1", *TINY, "--", f"models/{RUN}/run.json").stdout
    assert f"Finished while no Snakemake was there to record it, and not trained again: {RUN}." in said
    log = (editable / f"logs/train/{RUN}.log").read_text()
    assert "was finished when Snakemake was not there to record it" in log and "step " not in log
    assert {file.name: file.read_bytes() for file in model.iterdir()} == whole
    assert planned(editable, f"models/{RUN}/run.json", *TINY) == {}
