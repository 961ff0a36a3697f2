"""{method}_parameters.json and similarity.json: matrices beside the fitted A*, by name."""

import json

import numpy as np
import pytest

from emulsion.errors import UserError
from emulsion.laws import fit_static_law
from emulsion.laws.law import by_name, from_names
from emulsion.laws.study.dynamic_results import dynamic_law
from emulsion.laws.study.parameters import method_parameters, similarities
from emulsion.laws.study.rows import read_sweep
from emulsion.world.planted import planted_law
from sweep_rows import NAMES, effects, planted_sweep, write_sweep

EARLY = {"early": (360_000, 18_000)}


def fitted(folder, m, **planted):
    settings = {"sets": EARLY, "points": 8, "fall_noise": 0.0003, **planted}
    sweep = read_sweep("planted", write_sweep(folder, planted_sweep(m=m, **settings)))
    law = fit_static_law(sweep.table(sweep.finished, "weights"), sweep.table(sweep.finished, "validation"))
    return {"law": law.to_json()}, dynamic_law(sweep)


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    return fitted(tmp_path_factory.mktemp("three"), 3)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    return fitted(tmp_path_factory.mktemp("two"), 2, seeds=(0,))


def named(matrix):
    return by_name(np.asarray(matrix, dtype=float), NAMES[: len(matrix)], NAMES[: len(matrix)])


def parameters(laws, kind, matrix=None, branches="early"):
    found = method_parameters("mine", {"kind": kind, "branches": branches}, *laws, matrix)
    json.dumps(found, allow_nan=False)
    return found


def test_the_true_matrix_at_another_scale_is_alike_and_the_scale_is_found(three):
    found = parameters(three, "given", named(5 * effects(3)))
    assert len(found["trunks"]) == 16
    assert found["mean"]["b"] == pytest.approx(0.2, rel=0.01)
    assert found["mean"]["similarity"] > 0.999 and not found["mean"]["degenerate"]
    scaled = from_names(found["trunks"][0]["A_scaled"], NAMES[:3], NAMES[:3])
    assert scaled == pytest.approx(effects(3), rel=0.05)


def test_a_matrix_is_matched_by_name_whatever_the_order_of_its_file(three):
    turned = {group: dict(reversed(row.items())) for group, row in reversed(named(effects(3)).items())}
    assert parameters(three, "given", turned) == parameters(three, "given", named(effects(3)))


def test_a_matrix_of_the_wrong_sign_is_not_made_alike_by_its_scale(three):
    found = parameters(three, "given", named(-effects(3)))["mean"]
    assert found["b"] == pytest.approx(-1, rel=0.02)
    assert found["cosine"] < -0.99 and "losses rose where the method expects them to fall" in found["note"]


def test_a_diagonal_matrix_of_two_sources_compares_with_the_diagonal_form(two):
    a = effects(2)
    found = parameters(two, "given", named(np.diag(np.diag(a))))
    star = from_names(found["mean"]["A_star"], NAMES[:2], NAMES[:2])
    assert star == pytest.approx(np.diag([a[0, 0] - a[0, 1], a[1, 1] - a[1, 0]]), abs=0.005)
    assert found["mean"]["degenerate"] and "with 2 sources" in found["mean"]["note"]
    full = parameters(two, "given", named(a))["mean"]
    assert from_names(full["A_star"], NAMES[:2], NAMES[:2]) == pytest.approx(a, abs=0.005)


def test_the_diagonal_method_is_the_diagonal_law_of_each_trunk(three):
    found = parameters(three, "diagonal")
    for trunk, law in zip(found["trunks"], three[1]["branches"]["early"]["trunks"], strict=True):
        assert {group: row[group] for group, row in trunk["A"].items()} == pytest.approx(law["diagonal"])
        assert trunk["b"] == pytest.approx(1, rel=0.02)


def test_the_static_method_is_the_slope_of_the_law_at_the_trunks_mixture(three):
    found, law = parameters(three, "static_law"), planted_law(3, 0)
    for trunk, each in zip(found["trunks"], three[1]["branches"]["early"]["trunks"], strict=True):
        at = np.array(list(each["weights"].values()))
        step = np.array([0.01, -0.01, 0.0]) if at[1] > 0.02 else np.array([-0.01, 0.01, 0.0])
        fall = law.predict(at - step / 2)[0] - law.predict(at + step / 2)[0]
        slopes = from_names(trunk["A"], NAMES[:3], NAMES[:3])
        assert slopes @ step == pytest.approx(fall, abs=0.003)
        assert from_names(trunk["A_star"], NAMES[:3], NAMES[:3]).sum(axis=1) == pytest.approx(np.zeros(3), abs=1e-9)


def test_slopes_that_are_the_effects_up_to_a_constant_per_group_are_alike(tmp_path):
    """Finished runs do not tell the constant, so it must not count."""
    points = planted_sweep(m=3, points=8, sets=EARLY)["runs"][0]["weights"]
    law = planted_law(3, 0)
    slopes = (law.b * np.exp(-law.A @ np.array(list(points.values()))))[:, None] * law.A
    laws = fitted(tmp_path, 3, matrices={"early": 0.1 * slopes + 0.3}, noise=0.0005, seeds=(0,))
    first = parameters(laws, "static_law")["trunks"][0]
    assert first["similarity"]["cosine"] > 0.99 and first["b"] == pytest.approx(0.1, rel=0.05)


def test_a_matrix_of_zeros_is_flagged(three):
    found = parameters(three, "given", named(np.zeros((3, 3))))["mean"]
    assert found["b"] == 0 and found["similarity"] == 0 and found["degenerate"]


def test_methods_are_gathered_by_name(three):
    found = similarities("planted", [parameters(three, "diagonal"), {**parameters(three, "static_law"), "method": "s"}])
    assert list(found["methods"]) == ["mine", "s"]
    assert found["methods"]["mine"]["trunks"] == 16 and found["methods"]["s"]["kind"] == "static_law"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "diagnal"}, "methods.mine: unknown kind 'diagnal'. Did you mean 'diagonal'"),
        ({"kind": "diagonal", "branches": "erly"}, "unknown branches 'erly'. Did you mean 'early'"),
        ({"kind": "given"}, "needs a file with"),
        ({"kind": "given", "matrix": {"web": {}, "code": {}}}, r"matrix: lacks \['books'\]"),
        ({"kind": "given", "matrix": {**named(np.eye(3)), "boks": {}}}, "unknown group 'boks'. Did you mean 'books'"),
        (
            {"kind": "given", "matrix": {**named(np.eye(3)), "web": {"web": 1}}},
            r"matrix.web: lacks \['code', 'books'\]",
        ),
        ({"kind": "given", "matrix": {**named(np.eye(3)), "web": dict.fromkeys(NAMES[:3], "x")}}, "finite number"),
    ],
)
def test_bad_settings_are_refused_in_words(three, change, words):
    with pytest.raises(UserError, match=words):
        parameters(three, **change)
