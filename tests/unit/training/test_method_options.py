"""What scripts that decide a mixture refuse of its method."""

import pytest

from emulsion.errors import UserError
from emulsion.training.method_options import MethodOptions


def decided(kind):
    return MethodOptions(experiment="exp", name="mine", sources=["a", "b"], method={"kind": kind})


def test_a_method_without_a_surrogate_is_refused_where_one_is_asked():
    with pytest.raises(UserError, match="mine: stratified fits no surrogate"):
        decided("stratified").create_optimum()
    assert decided("optimum").create_optimum().needs.swarm


def test_an_online_method_is_refused_where_a_mixture_is_decided_before_the_run():
    with pytest.raises(UserError, match="odm: decides during its own run"):
        decided("odm").create_offline()
