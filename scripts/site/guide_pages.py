"""Make a page and a notebook of each guide.

A hook of MkDocs. The page shows the outputs that `scripts/guides.py` has stored.
"""

import pathlib
import sys

import jupytext
from mkdocs.structure.files import File

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
import guides


def on_files(files, config):
    """Replace each program by its page, and add its notebook."""
    for path in sorted(guides.GUIDES.glob("*.py")):
        uri = f"guides/{path.name}"
        notebook = uri.replace(".py", ".ipynb")
        page = File.generated(config, uri.replace(".py", ".md"), content=to_markdown(path))
        page.repository_path = f"docs/{uri}"
        files.append(page)
        files.append(File.generated(config, notebook, content=to_notebook(path)))
    return files


def to_notebook(path):
    """Return a guide as a notebook without outputs."""
    notebook = jupytext.read(path)
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    # Ids are random, and would change the site at each build.
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    return jupytext.writes(notebook, fmt="ipynb")


def to_markdown(path):
    """Return a guide as Markdown, with the outputs of its cells."""
    found = guides.recorded(path)
    outputs = iter(found["cells"])
    parts = []
    for cell in guides.read(path):
        if not cell.is_code:
            parts.append(cell.source)
            continue
        output = next(outputs)
        language, source = ("sh", "\n".join(cell.commands)) if cell.commands else ("python", "")
        parts.append(f"```{language}\n{source or cell.source}\n```")
        if output["text"]:
            parts.append(f"```{{ .text .output .no-copy }}\n{output['text']}\n```")
        if "picture" in output:
            parts.append(f"![{cell.title or 'Output'}](outputs/{output['picture']})")
    first, rest = parts[0].partition("\n")[::2]
    about = (
        f"*This page is a program. It runs in about {round_up(found['seconds'])} on two processor "
        f"cores: [notebook]({path.stem}.ipynb), [source]({path.name}).*"
    )
    return "\n\n".join([first, about, rest.strip(), *parts[1:]]) + "\n"


def round_up(seconds):
    """Return a duration in words, to 10 seconds or whole minutes."""
    tens = -(-seconds // 10) * 10
    return f"{tens} seconds" if tens < 100 else f"{-(-seconds // 60)} minutes"
