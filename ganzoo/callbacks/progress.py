"""Progress of callbacks in a checkpoint, so that a resumed run equals an uninterrupted one.

A callback with progress has two methods. `get_progress()` returns `(run, epoch)`, two values
that JSON can hold: what lasts for the whole run, and what starts anew with each epoch.
`set_progress(run, epoch)` restores them; `epoch` is None if a new epoch begins.
"""

import collections
from collections.abc import Iterable

import keras

# Names of fields in files that older versions wrote.
_OLD_NAMES = {
    "illness": "failure_mode",
    "remedies": "advice",
    "memory": "held_out_auc",
    "looked": "window_start",
}


def rename_old_fields(fields: dict) -> dict:
    """Return a record from a file with the field names of older versions replaced.

    Example:
        >>> rename_old_fields({"illness": "mode_collapse", "step": 200})
        {'failure_mode': 'mode_collapse', 'step': 200}
    """
    return {_OLD_NAMES.get(name, name): value for name, value in fields.items()}


def name_callbacks(
    watched: Iterable[keras.callbacks.Callback],
) -> dict[str, keras.callbacks.Callback]:
    """Return callbacks by the names that their progress has in a checkpoint.

    The name is the attribute `progress_name`, which subclasses inherit, or the name of the
    class. Callbacks of the same name are numbered in their order.

    Example:
        >>> watched = [ganzoo.callbacks.Doctor(), ganzoo.callbacks.Doctor()]
        >>> list(name_callbacks(watched))
        ['Doctor', 'Doctor:2']
    """
    named = {}
    counts: collections.Counter[str] = collections.Counter()
    for callback in watched:
        name = getattr(callback, "progress_name", type(callback).__name__)
        counts[name] += 1
        # A colon cannot be part of the name of a class.
        named[name if counts[name] == 1 else f"{name}:{counts[name]}"] = callback
    return named
