"""Test that the command line accepts the options in advice exactly as they are printed."""

import itertools
import re
import shlex

from ganzoo.base.checks import DIVERGENCE_ADVICE
from ganzoo.callbacks import diagnosis

# The pattern matches one option, or several options in a row.
OPTIONS = re.compile(
    r"--[a-z][\w-]*(?: [^\s,;()]+=[^\s,;()]+| [\w.]+(?=[ ,;)]))?"
    r"(?: --[a-z][\w-]*(?: [^\s,;()]+)?)*"
)


def advice_texts():
    games = itertools.product(("non_saturating", "relativistic"), ("none", "r1", "r1_r2"))
    yield DIVERGENCE_ADVICE
    for loss, regularizer in games:
        settings = diagnosis.Settings(loss=loss, regularizer=regularizer)
        for _, advise in diagnosis.FAILURE_MODES.values():
            yield advise(settings)


def test_every_option_in_advice_is_accepted(ganzoo_command, tmp_path):
    found = {option for text in advice_texts() for option in OPTIONS.findall(text)}
    assert any("learning_rate" in option for option in found)
    for option in sorted(found):
        words = ["train", "dcgan", "--data", "no_such_data", "--out", tmp_path / "run"]
        # The advice to train for fewer epochs names no number.
        option = "--epochs 1" if option == "--epochs" else option.rstrip(".")
        code, _, err = ganzoo_command(*words, *shlex.split(option))
        # The command looks for the data after it has checked the options.
        assert (code, "no_such_data" in err) == (2, True), f"{option}: {err}"
