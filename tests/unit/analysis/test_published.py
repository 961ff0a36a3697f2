import pytest
import yaml

from emulsion.analysis.published import load_published
from emulsion.errors import UserError

ROW = {"name": "A", "parameters": 10, "source": "a paper", "url": "https://example.org", "results": {"accuracy": 0.5}}


def load(tmp_path, **changes):
    (tmp_path / "models.yaml").write_text(yaml.safe_dump({"caveat": "None compare.", "models": [{**ROW, **changes}]}))
    return load_published(tmp_path / "models.yaml")


def test_the_published_results_of_the_project_have_a_source_each():
    models = load_published("resources/published/small_models.yaml")["models"]
    assert all(model["source"] and model["url"].startswith("https://") for model in models)


def test_a_result_without_a_source_is_refused(tmp_path):
    assert load(tmp_path)["models"] == [ROW]
    with pytest.raises(UserError, match=r"models\[0\]\.source: is missing"):
        load(tmp_path, source=None)


@pytest.mark.parametrize("value", ["high", True, float("nan"), float("inf")])
def test_a_result_that_is_no_finite_number_is_refused(tmp_path, value):
    with pytest.raises(UserError, match=rf"results\.accuracy: should be a number, but is {value!r}"):
        load(tmp_path, results={"accuracy": value})
