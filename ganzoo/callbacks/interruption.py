"""Signals that end training, taken between two steps."""

import signal
import threading

import keras


class StepFinishedError(Exception):
    """A signal came, and the step in which it came is done.

    Args:
        signum: int. The signal.
    """

    def __init__(self, signum):
        super().__init__(signal.Signals(signum).name)
        self.signum = signum


class FinishStep(keras.callbacks.Callback):
    """Lets SIGINT (Ctrl-C) and SIGTERM end training after the step in which they come.

    A context manager around `fit`, and the last of its callbacks: within a step, state
    is neither that before nor that after it. A second signal acts at once.

    Raises:
        StepFinishedError: After the step; at the end of an epoch, when all have seen it.
    """

    def __enter__(self):
        self._received = None
        self._before = {}
        # Only there may handlers be set, and only there do signals arrive.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, signum, frame):
        self._received = signum
        self.__exit__()

    def on_train_batch_end(self, batch, logs=None):
        if not self.model.stop_training:
            self._end()

    def on_epoch_end(self, epoch, logs=None):
        self._end()

    def _end(self):
        if self._received is not None:
            raise StepFinishedError(self._received)
