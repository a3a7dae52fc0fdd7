"""Add files of the repository to the site, and point links between pages at them.

A hook of MkDocs. The README, the pages of families and CONTRIBUTING.md stay where readers of the
repository find them. Their links, and links to them, are written for the repository. The hook
rewrites these links for the site.
"""

import pathlib
import posixpath
import re

from mkdocs.structure.files import File

ROOT = pathlib.Path(__file__).parents[2]
LINK = re.compile(r"(!?\[[^\]]*\]\()([^)\s#]+)(#[^)\s]*)?(\))")
FENCE = re.compile(r"(^```.*?^```)", re.MULTILINE | re.DOTALL)


def pages_outside_docs():
    """Return the page of the site for each Markdown file outside of docs/, by its path."""
    families = sorted(page.parent.name for page in (ROOT / "ganzoo").glob("*/README.md"))
    return {
        "README.md": "index.md",
        "CONTRIBUTING.md": "contributing.md",
        **{f"ganzoo/{family}/README.md": f"zoo/{family}.md" for family in families},
    }


def links(markdown, path):
    """Yield the path in the repository that each relative link of a page leads to."""
    for part in FENCE.split(markdown)[::2]:
        for match in LINK.finditer(part):
            if ":" not in match[2]:
                yield posixpath.normpath(posixpath.join(posixpath.dirname(path), match[2]))


def on_files(files, config):
    """Add pages from outside of docs/, and the files that any page links to."""
    pages = pages_outside_docs()
    for path, uri in pages.items():
        files.append(File.generated(config, uri, abs_src_path=str(ROOT / path)))
        files.get_file_from_path(uri).repository_path = path
    sources = {repository_path(file): file for file in files.documentation_pages()}
    wanted = {
        target for path, file in sources.items() for target in links(file.content_string, path)
    }
    for target in sorted(wanted - set(sources)):
        if not target.startswith("docs/") and (ROOT / target).is_file():
            # As text, so that MkDocs makes no page of it.
            files.append(File.generated(config, target, abs_src_path=str(ROOT / target)))
    config.extra["pages"] = {path: file.src_uri for path, file in sources.items()}
    return files


def repository_path(file):
    """Return the path in the repository of a page's source."""
    return getattr(file, "repository_path", f"docs/{file.src_uri}")


def on_page_markdown(markdown, page, config, files):
    """Rewrite links between places that the site arranges in another way."""
    path = repository_path(page.file)
    parts = FENCE.split(markdown)
    parts[::2] = [LINK.sub(lambda m: rewrite(m, path, page.file, config), p) for p in parts[::2]]
    return "".join(parts)


def rewrite(match, path, file, config):
    """Return a link of the page at `path` for the site."""
    before, target, anchor, after = match.groups()
    if ":" in target:
        return match[0]
    target = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    uri = config.extra["pages"].get(target) or target.removeprefix("docs/")
    relative = posixpath.relpath(uri, posixpath.dirname(file.src_uri) or ".")
    return f"{before}{relative}{anchor or ''}{after}"
