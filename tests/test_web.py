"""The page in docs/web generates the same images in a browser as the exported model."""

import base64
import functools
import http.server
import io
import pathlib
import re
import shutil
import subprocess
import threading

import numpy as np
import pytest
from PIL import Image

import ganzoo
from ganzoo import export

PAGE = pathlib.Path(__file__).parent.parent / "docs" / "web"
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
HEADLESS = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=30000"]
# This script waits for the first image, then selects a bag and moves the first slider.
VISITOR = """
<script type="module">
  const waiting = setInterval(() => {
    if (!document.getElementById("status").textContent.includes("T-shirt")) return;
    clearInterval(waiting);
    const classes = document.getElementById("classes");
    classes.value = "8";
    classes.dispatchEvent(new Event("change"));
    const slider = document.querySelector("#sliders input");
    slider.value = "1.5";
    slider.dispatchEvent(new Event("input"));
  }, 50);
</script>
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Serve the page with its npm package and a model. Yield its folder and address."""
    folder = tmp_path_factory.mktemp("site") / "web"
    shutil.copytree(PAGE, folder, ignore=shutil.ignore_patterns("node_modules", "*.onnx"))
    subprocess.run(["npm", "install", "--no-audit", "--no-fund"], cwd=folder, check=True)
    ganzoo.from_preset("cgan_fashion_mnist").export(folder / "clothes.onnx")
    visited = (folder / "index.html").read_text(encoding="utf-8").replace("</html>", VISITOR)
    (folder / "visited.html").write_text(visited, encoding="utf-8")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    server = http.server.ThreadingHTTPServer(("localhost", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://localhost:{server.server_port}"
    server.shutdown()


@pytest.mark.web
@pytest.mark.parametrize(
    ("page", "first_latent", "label", "name"),
    [("index.html", 0.0, 0, "T-shirt"), ("visited.html", 1.5, 8, "bag")],
)
def test_the_page_shows_the_image_that_the_exported_model_generates(
    site, page, first_latent, label, name
):
    folder, address = site
    dumped = subprocess.run(
        [BROWSER, *HEADLESS, "--dump-dom", f"{address}/{page}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    assert f"{name}, 28 " in dumped
    (encoded,) = re.findall(r'src="data:image/png;base64,([^"]+)"', dumped)
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("L"))
    latents = np.zeros((1, 64), "float32")
    latents[0, 0] = first_latent
    run = export.FORMATS["onnx"].load(folder / "clothes.onnx")
    expected = run(latents=latents, labels=np.array([label], "int32"))[0, :, :, 0]
    assert np.abs(pixels.astype(int) - expected).max() <= 1
