"""Define the command line: one module per command, which parses, calls and prints.

Commands that need TensorFlow import it when they run, so that `ganzoo list` and `--help` are fast.
"""

from ganzoo.cli.app import Command, app, main
from ganzoo.cli.data import data
from ganzoo.cli.demo import demo
from ganzoo.cli.edit import edit
from ganzoo.cli.evaluate import evaluate
from ganzoo.cli.export import export
from ganzoo.cli.family_options import TrainCommand
from ganzoo.cli.info import info
from ganzoo.cli.list import list_presets
from ganzoo.cli.reproduce import reproduce
from ganzoo.cli.sample import sample
from ganzoo.cli.synthesize import synthesize
from ganzoo.cli.train import train
from ganzoo.cli.upscale import upscale

# `ganzoo --help` lists the commands in this order.
app.command("list", cls=Command)(list_presets)
app.command(cls=Command)(info)
app.command(cls=Command)(data)
app.command(cls=TrainCommand)(train)
for command in (sample, edit, synthesize, upscale, export, evaluate, reproduce, demo):
    app.command(cls=Command)(command)

__all__ = ["app", "main"]
