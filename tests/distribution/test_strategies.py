"""Test training on several replicas of one machine."""

import penalty_programs
import pytest
import same_family_programs
import same_step_programs
import strategy_programs
import whole_run_programs
from replicas import run_programs

LONGER = [
    claim
    for module in (strategy_programs, penalty_programs, whole_run_programs)
    for claim in module.PROGRAMS
]


@pytest.fixture(scope="module")
def reports():
    return run_programs("same_step_programs")


@pytest.fixture(scope="module")
def slow_reports():
    return run_programs(
        "strategy_programs", "penalty_programs", "whole_run_programs", "same_family_programs"
    )


@pytest.mark.parametrize("claim", same_step_programs.PROGRAMS)
def test_a_step_on_several_replicas_equals_one_on_the_whole_batch(claim, reports):
    assert reports[claim] == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    "claim", [*strategy_programs.PROGRAMS, *penalty_programs.PROGRAMS, *whole_run_programs.PROGRAMS]
)
def test_this_claim_of_a_longer_program_holds_under_a_strategy(claim, slow_reports):
    assert slow_reports[claim] == ""


@pytest.mark.slow
@pytest.mark.parametrize("family", same_family_programs.PROGRAMS)
def test_a_family_trains_to_the_same_weights_on_one_two_and_four_replicas(family, slow_reports):
    assert slow_reports[family] == ""
