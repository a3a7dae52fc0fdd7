"""Report the end of a training: where the results are, and what to do next."""

import json
import pathlib
import shlex
import shutil
import sys

from ganzoo import messages


def report(outcome) -> None:
    """Print where the results are, and which commands to run next.

    Args:
        outcome: `ganzoo.training.Outcome`.
    """
    folder = outcome.folder
    grids = sorted((folder / "samples").glob("epoch_*.png"))
    speed = outcome.logs.get("images_per_second")
    steps = messages.count(outcome.step, "step")
    print(f"\nDone: {steps}, {speed:.0f} images/s." if speed else f"\nDone: {steps}.")
    places = {
        "samples": grids[-1] if grids else "none",
        "real images": folder / "samples" / "real.png",
        "model": folder / "model.keras",
        "logs": folder / "logs",
    }
    if (folder / "best.keras").is_file():
        places["best model"] = folder / "best.keras"
    for name, place in places.items():
        print(f"  {name:<12} {place}")  # A table would break long paths.
    print("\nNext:")
    activate = pathlib.Path(sys.prefix, "bin", "activate")
    # `make demo` calls the command by its path, without an active environment.
    if activate.is_file() and not shutil.which("ganzoo"):
        print(f"  . {shlex.quote(str(activate))}")
    run = shlex.quote(str(folder))
    print(f"  tensorboard --logdir {shlex.quote(str(folder / 'logs'))}")
    if outcome.model.task == "super_resolution":
        print(f"  ganzoo upscale {run} photo.jpg --out upscaled")
        return
    print(f"  ganzoo sample {run} -n 64 --seed 1 --out grid.png")
    path = json.dumps(str(folder), ensure_ascii=False)
    code = f"import ganzoo; print(ganzoo.load({path}).generate(4).shape)"
    print(f"  python -c {shlex.quote(code)}")
