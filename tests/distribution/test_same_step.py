"""Test that a step on several replicas equals the step of one replica on the whole batch."""

import pytest
import same_family_programs
import same_step_programs
from replicas import run_programs


@pytest.fixture(scope="module")
def reports():
    return run_programs("same_step_programs")


@pytest.fixture(scope="module")
def family_reports():
    return run_programs("same_family_programs")


@pytest.mark.parametrize("claim", same_step_programs.PROGRAMS)
def test_this_claim_holds_on_several_replicas(claim, reports):
    assert reports[claim] == ""


@pytest.mark.slow
@pytest.mark.parametrize("family", same_family_programs.PROGRAMS)
def test_a_family_trains_to_the_same_weights_on_one_two_and_four_replicas(family, family_reports):
    assert family_reports[family] == ""
