"""Run the command line as `python -m ganzoo`."""

from ganzoo.cli import main

main()
