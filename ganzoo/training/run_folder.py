"""Read, write and lock run folders.

A run folder holds `config.json`, `checkpoints/`, `logs/`, `samples/`, `metrics.json` and, after
training, `model.keras`.
"""

import contextlib
import dataclasses
import json
import pathlib
import shlex
import textwrap

import keras
import tensorflow as tf

from ganzoo.base import GAN
from ganzoo.callbacks import checkpoints
from ganzoo.fingerprint import Fingerprint
from ganzoo.saving import untrusted
from ganzoo.saving.files import check_folder_path, locked, write_json
from ganzoo.training.recipe import RUN_FORMAT, Recipe, from_fields
from ganzoo.version import __version__


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Result of a run.

    With several workers, only the chief has logs and writes the folder.

    Attributes:
        model: trained `GAN`.
        folder: run folder.
        logs: logs of the last epoch.
        step: int. Number of steps.
        is_chief: bool. True for the worker that writes the folder.
    """

    model: GAN
    folder: pathlib.Path
    logs: dict
    step: int
    is_chief: bool


class InterruptedRunError(Exception):
    """Error for training that a signal stopped. The message names the command to resume it.

    Args:
        message: str.
        signum: int. Number of the signal.
    """

    def __init__(self, message: str, signum: int):
        super().__init__(message)
        self.signum = signum


class FailedRunError(Exception):
    """Error for training that cannot continue, for example on a full disk.

    The message names the command to resume it.
    """


def resume_command(recipe: Recipe, out: pathlib.Path | str) -> str:
    """Return the shell command that resumes a run.

    Args:
        recipe: recipe of the run.
        out: run folder.
    """
    return f"ganzoo train {recipe.family} --out {shlex.quote(str(out))} --resume"


def is_run(folder: pathlib.Path | str) -> bool:
    """Return True if a folder is a run folder."""
    try:
        return "recipe" in untrusted.read_config(pathlib.Path(folder) / "config.json")
    except ValueError:
        return False


def read_recipe(folder: pathlib.Path | str) -> Recipe:
    """Return the recipe of a run folder of any format.

    Raises:
        ValueError: If the folder holds no run, or one of a newer format.
    """
    folder = pathlib.Path(folder)
    if not is_run(folder):
        if checkpoints(folder) or checkpoints(folder / "checkpoints"):
            raise ValueError(
                f"{str(folder)!r} holds checkpoints of `fit`, but no run. Continue in Python with "
                f"`gan = ganzoo.load({str(folder)!r})` and `gan.fit`."
            )
        raise ValueError(f"{str(folder)!r} holds no run to resume. Start one without --resume.")
    config = untrusted.read_config(folder / "config.json")
    if (found := config.get("format", 1)) not in range(1, RUN_FORMAT + 1):
        raise ValueError(
            f"{str(folder)!r} is a run of format {found!r}, but ganzoo {__version__} reads formats "
            f"up to {RUN_FORMAT}. It was made by ganzoo {config['versions']['ganzoo']!r}. Install "
            "a newer ganzoo."
        )
    with untrusted.refusing(folder / "config.json"):
        return from_fields(config["recipe"])


def read_fingerprint(folder: pathlib.Path | str) -> Fingerprint | None:
    """Return the fingerprint of the data of a run, or None if an older version did not record it.

    Raises:
        ValueError: If the configuration is damaged.
    """
    path = pathlib.Path(folder) / "config.json"
    config = untrusted.read_config(path)
    with untrusted.refusing(path):
        fields = config.get("model", {}).get("trained_on")
        return None if fields is None else Fingerprint.from_fields(fields)


def read_labels(folder: pathlib.Path | str) -> dict:
    """Return the `class_names` or `conditions` of the model of a run, as a dict.

    Raises:
        ValueError: If the configuration is damaged.
    """
    model = untrusted.read_config(pathlib.Path(folder) / "config.json").get("model", {})
    return {name: model[name] for name in ("class_names", "conditions") if model.get(name)}


def write_config(out: pathlib.Path, recipe: Recipe, model: GAN, cluster) -> None:
    """Write the complete configuration of a run, as a file and as text for TensorBoard.

    Args:
        out: run folder.
        recipe: recipe of the run.
        model: compiled model.
        cluster: `ganzoo.distribution.Cluster`.
    """
    config = {
        "format": RUN_FORMAT,
        "recipe": dataclasses.asdict(recipe),
        "model": model.get_config(),
        "compile": model.get_compile_config(),
        "cluster": cluster.describe(),
        "versions": {
            "ganzoo": __version__,
            "keras": keras.version(),
            "tensorflow": tf.version.VERSION,
        },
    }
    write_json(out / "config.json", config)
    with tf.summary.create_file_writer(str(out / "logs" / "config")).as_default():
        # Markdown shows lines that are indented by four spaces as code.
        tf.summary.text("config", textwrap.indent(json.dumps(config, indent=2), "    "), step=0)


def require_new(out: pathlib.Path | str) -> None:
    """Check that a run folder is empty or does not exist.

    Raises:
        ValueError: If it is not empty.
    """
    check_folder_path(out)
    out = pathlib.Path(out)
    if out.exists() and any(out.iterdir()):
        if not is_run(out):
            raise ValueError(f"{str(out)!r} is not an empty folder. Choose another folder.")
        command = resume_command(read_recipe(out), out)
        raise ValueError(
            f"{str(out)!r} holds another run. Resume it with `{command}`, or choose another folder."
        )


def lock(out: pathlib.Path, cluster) -> contextlib.AbstractContextManager:
    """Lock a run folder against other processes. The workers of one run share the lock.

    Args:
        out: run folder.
        cluster: `ganzoo.distribution.Cluster`.

    Returns:
        Context manager that holds the lock. It raises a `ValueError` if another process does.
    """
    if not cluster.is_chief:
        return contextlib.nullcontext()
    return locked(
        out,
        f"Another process is training in {str(out)!r}. Wait until it ends, stop it, or choose "
        "another folder.",
    )
