"""Run `ganzoo` as one worker of several.

    python worker.py WEIGHTS ARGUMENTS ...

The weights at the end of training are written to WEIGHTS. With the environment variable DIES_AT,
the process kills itself after that step.
"""

import os
import signal
import sys

import numpy as np

from ganzoo import callbacks, cli


class StopAtStep(callbacks.StopAtStep):
    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, logs)
        if self.model.step == int(os.environ.get("DIES_AT", "0")):
            os.kill(os.getpid(), signal.SIGKILL)

    def on_train_end(self, logs=None):
        super().on_train_end(logs)
        np.savez(sys.argv[1], *self.model.get_weights())


if __name__ == "__main__":
    callbacks.StopAtStep = StopAtStep
    cli.main(sys.argv[2:])
