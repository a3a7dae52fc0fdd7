"""The command line: parsing, calling, printing.

TensorFlow is imported inside the commands that need it, so that listing and
`--help` answer at once.
"""

from ganzoo.cli import demo, drawing, exporting, measuring, training, zoo
from ganzoo.cli.common import app, main

# In the order of `ganzoo --help`.
app.command("list")(zoo.list_presets)
for command in (
    zoo.info,
    training.train,
    drawing.sample,
    drawing.upscale,
    exporting.export,
    measuring.evaluate,
    training.reproduce,
    demo.demo,
):
    app.command()(command)

__all__ = ["app", "main"]
