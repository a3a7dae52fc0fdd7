"""Test that everything except XLA works under a strategy, and that wrong input is refused."""

import pytest
import strategy_programs
from replicas import run_programs


@pytest.fixture(scope="module")
def reports():
    return run_programs("strategy_programs")


@pytest.mark.parametrize("claim", strategy_programs.PROGRAMS)
def test_this_claim_holds_under_a_strategy(claim, reports):
    assert reports[claim] == ""
