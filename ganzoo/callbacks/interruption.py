"""End training between two steps when a signal arrives."""

import signal
import threading

import keras


class StepFinishedError(Exception):
    """A signal arrived, and the step in which it arrived is finished.

    Args:
        signum: int. Number of the signal.
    """

    def __init__(self, signum: int):
        super().__init__(signal.Signals(signum).name)
        self.signum = signum


class FinishStep(keras.callbacks.Callback):
    """Finish the current step when SIGINT (Ctrl-C) or SIGTERM arrives, then end training.

    Use it as a context manager around `fit`, and as the last of its callbacks. In the middle of a
    step the model's state belongs to no step, and cannot be saved. A second signal acts at once.

    Raises:
        StepFinishedError: After the step; at the end of an epoch, after all other callbacks.
    """

    def __enter__(self):
        self._received = None
        self._before = {}
        # Python delivers signals to the main thread, and sets handlers only there.
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
