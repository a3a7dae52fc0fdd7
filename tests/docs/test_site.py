"""The site builds without a warning, and needs no other server."""

import html.parser
import pathlib
import pkgutil
import re
import shutil
import subprocess
import sys
import urllib.parse

import pytest

import ganzoo

ROOT = pathlib.Path(__file__).parents[2]


class References(html.parser.HTMLParser):
    """Collect what a page links to, what it loads, and its anchors."""

    def __init__(self, page):
        super().__init__()
        self.links, self.loaded, self.anchors = [], [], set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.anchors |= {attributes.get("id"), attributes.get("name")}
        if tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
        if tag in ("img", "script", "iframe") and "src" in attributes:
            self.loaded.append(attributes["src"])
        if tag == "link" and attributes.get("rel") in ("stylesheet", "icon"):
            self.loaded.append(attributes["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Build the site. MkDocs ends with an error at a warning, such as a broken link."""
    pytest.importorskip("mkdocs", reason="needs the extra `docs`")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert built.returncode == 0, built.stderr
    return {path: References(path) for path in sorted(folder.rglob("*.html"))}


@pytest.mark.slow
def test_every_link_leads_to_a_page_and_an_anchor(site):
    broken = []
    for page, references in site.items():
        if page.name == "404.html":  # Its links begin at the root of the server.
            continue
        for link in references.links + references.loaded:
            url = urllib.parse.urlsplit(link)
            if url.scheme or url.netloc:
                continue
            target = (page.parent / urllib.parse.unquote(url.path)).resolve() if url.path else page
            known = site.get(target)
            if not target.exists() or (
                url.fragment and known and urllib.parse.unquote(url.fragment) not in known.anchors
            ):
                broken.append((page.name, link))
    assert not broken


@pytest.mark.slow
def test_no_page_loads_anything_from_another_server(site):
    loaded = {url for references in site.values() for url in references.loaded}
    assert not [url for url in loaded if urllib.parse.urlsplit(url).netloc]


@pytest.mark.slow
def test_pages_of_families_and_docstrings_are_on_the_site(site):
    pages = {f"{path.parent.name}/{path.name}": references for path, references in site.items()}
    for family in ("vanilla", "cgan", "dcgan", "lapgan", "r3gan", "srgan"):
        assert f"zoo/{family}.html" in pages
    assert "ganzoo.losses.Hinge" in pages["reference/blocks.html"].anchors
    assert "ganzoo.metrics.FrechetDistance" in pages["reference/metrics.html"].anchors


@pytest.mark.web
def test_the_search_finds_pages_without_a_server(site):
    if shutil.which("chromium") is None:
        pytest.skip("needs Chromium")
    home = min(site, key=lambda page: (len(page.parts), page.name != "index.html"))
    command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    command += ["--virtual-time-budget=9000", f"{home.as_uri()}?q=collapse"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    assert int(re.search(r"(\d+) matching documents", found)[1]) > 5


def test_every_public_name_is_in_the_reference():
    pages = (ROOT / "docs" / "reference").glob("*.md")
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    shown = [pkgutil.resolve_name(name) for name in re.findall(r"(?m)^::: (\S+)", text)]
    members = [value for place in shown for value in vars(place).values()]
    # The page of models shows the classes of `base`, and not the module.
    for name in set(ganzoo.__all__) - {"__version__", "base"}:
        thing = getattr(ganzoo, name)
        assert any(thing is other for other in shown + members), name
