"""Test downloads from a local server that is slow, broken or sends a wrong file."""

import hashlib
import http.server
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import threading
import time

import pytest

import ganzoo
from ganzoo import registry
from ganzoo.saving import downloads, loading, weights

CONTENT = bytes(range(256)) * 1000
RECORD = {"sha256": hashlib.sha256(CONTENT).hexdigest(), "size": len(CONTENT)}


class Server(http.server.ThreadingHTTPServer):
    """Answer each request with the function `behave`, and record the requested ranges."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.behave = send_all
        self.ranges = []
        self.closing = threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.ranges.append(self.headers.get("Range"))
        self.server.behave(self)

    def log_message(self, *_):
        pass

    def head(self, length, status=200, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()


def send_all(request, content=CONTENT):
    request.head(len(content))
    request.wfile.write(content)


def send_range(request):
    found = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range") or "bytes=0-")
    rest = CONTENT[int(found[1]) :]
    place = f"bytes {found[1]}-{len(CONTENT) - 1}/{len(CONTENT)}"
    request.head(len(rest), 206, Content_Range=place)
    request.wfile.write(rest)


def break_off(request, at=100_000):
    request.head(len(CONTENT))
    request.wfile.write(CONTENT[:at])
    request.connection.shutdown(socket.SHUT_RDWR)


def send_nothing(request):
    request.server.closing.wait()


def send_other(request):
    send_all(request, b"\1" + CONTENT[1:])


def send_more(request):
    send_all(request, CONTENT + b"more")


def send_without_end(request):
    request.send_response(200)
    request.end_headers()
    try:
        while True:
            request.wfile.write(CONTENT)
    except OSError:
        pass


def send_other_range(request):
    request.head(100, 206, Content_Range=f"bytes 5-104/{len(CONTENT)}")
    request.wfile.write(CONTENT[5:105])


def send_less(request):
    send_all(request, CONTENT[:-1])


def send_nonsense(request):
    request.wfile.write(b"nonsense\r\n\r\n")


def send_not_found(request):
    request.send_error(404)


def redirect_to_itself(request):
    request.head(0, 302, Location="/again")


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.closing.set()
        server.shutdown()


def fetch(server, folder, record=RECORD):
    path = folder / "new" / "weights.bin"
    downloads.fetch(f"{server.url}/weights.bin", path, **record)
    return path


def test_a_file_is_fetched_complete_and_only_once(server, tmp_path):
    path = fetch(server, tmp_path)
    assert path.read_bytes() == CONTENT
    assert [entry.name for entry in path.parent.iterdir()] == ["weights.bin"]
    fetch(server, tmp_path)  # The file exists, so the server gets no second request.
    assert server.ranges == [None]


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (send_other, "its SHA-256 is [0-9a-f]{64}, not"),
        (send_more, "longer than 256,000 bytes"),
        (send_without_end, "longer than 256,000 bytes"),
        (send_less, "broke off after 255,999 of 256,000 bytes"),
        (break_off, "100,000 of 256,000 bytes"),
        (send_nothing, "timed out.*Check the network connection"),
        (send_nonsense, "cannot be fetched"),
        (send_not_found, "answers 404"),
        (redirect_to_itself, "answers 302"),
    ],
)
def test_a_wrong_or_broken_download_is_refused_and_leaves_no_file(
    behave, reason, server, tmp_path, monkeypatch
):
    if behave is send_nothing:
        monkeypatch.setattr(downloads, "TIMEOUT", 0.5)
    server.behave = behave
    with pytest.raises(downloads.DownloadError, match=reason) as caught:
        fetch(server, tmp_path)
    assert server.url in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "new" / "weights.bin").exists()
    # A correct answer to the next request then completes the download.
    monkeypatch.undo()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server.behave = send_range
    assert fetch(server, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("behave", [send_range, send_all])
def test_an_interrupted_download_resumes(behave, server, tmp_path):
    server.behave = break_off
    with pytest.raises(downloads.DownloadError, match="Try again to resume the download"):
        fetch(server, tmp_path)
    server.behave = behave
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=100000-"]


def test_a_range_that_was_not_requested_is_not_added_to_the_file(server, tmp_path):
    server.behave = break_off
    with pytest.raises(downloads.DownloadError):
        fetch(server, tmp_path)
    server.behave = send_other_range
    with pytest.raises(downloads.DownloadError, match="broke off after 100 of"):
        fetch(server, tmp_path)
    assert not (tmp_path / "new" / "weights.bin").exists()


def test_a_partial_download_of_another_file_costs_one_attempt(server, tmp_path):
    part = tmp_path / "new" / "weights.bin.part"
    part.parent.mkdir()
    part.write_bytes(b"of another time" * 100)
    server.behave = send_range
    with pytest.raises(downloads.DownloadError, match="SHA-256"):
        fetch(server, tmp_path)
    assert fetch(server, tmp_path).read_bytes() == CONTENT


def test_a_complete_partial_file_is_not_fetched_again(server, tmp_path):
    """A process leaves one if it is stopped before it checks the SHA-256."""
    part = tmp_path / "new" / "weights.bin.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT)
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.ranges == []
    assert not part.exists()


def test_a_disk_error_is_not_reported_as_a_download_error(server, tmp_path):
    (tmp_path / "new" / "weights.bin.part").mkdir(parents=True)
    with pytest.raises(OSError, match=r"weights\.bin\.part") as caught:
        fetch(server, tmp_path)
    assert not isinstance(caught.value, downloads.DownloadError)


def test_a_refused_connection_is_reported_with_advice(server, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/weights.bin"
        with pytest.raises(downloads.DownloadError, match=r"refused.*Check the network connection"):
            downloads.fetch(url, tmp_path / "weights.bin", **RECORD)


def test_a_name_server_that_does_not_answer_times_out(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    end_of_test = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: end_of_test.wait(60))
    monkeypatch.setattr(downloads, "TIMEOUT", 0.1)
    with pytest.raises(OSError, match=r"example\.org was not resolved within 0\.1 seconds"):
        downloads.require_network("example.org")
    end_of_test.set()
    # The limit applies twice, to the name and to the server, and should not exceed ten seconds.
    monkeypatch.undo()
    assert 2 * downloads.TIMEOUT <= 10


def test_two_processes_can_fetch_the_same_file_at_once(server, tmp_path):
    def send_slowly(request):
        time.sleep(1)
        send_all(request)

    server.behave = send_slowly
    program = pathlib.Path(__file__).parent / "fetch_file.py"
    arguments = [f"{server.url}/w", tmp_path / "w", RECORD["sha256"], RECORD["size"]]
    processes = [
        subprocess.Popen(
            [sys.executable, program, *map(str, arguments)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    assert [p.communicate(timeout=120)[0].strip() for p in processes] == [RECORD["sha256"]] * 2
    assert server.ranges == [None]  # The second waited for the first.


# Presets whose weights are not in the package.

NAME = "dcgan_fashion_mnist"


@pytest.fixture
def missing_weights(monkeypatch, tmp_path):
    """Simulate an installation without weights. Return the weights of a preset."""
    packaged = weights._PACKAGED / NAME
    shutil.copytree(
        packaged,
        tmp_path / "package" / NAME,
        ignore=shutil.ignore_patterns("model.weights.h5"),
    )
    monkeypatch.setattr(weights, "_PACKAGED", tmp_path / "package")
    monkeypatch.setenv("GANZOO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(weights.URL_VARIABLE, raising=False)
    return (packaged / "model.weights.h5").read_bytes()


def test_weights_of_a_preset_are_fetched_once_and_again_if_damaged(
    missing_weights, server, tmp_path, monkeypatch
):
    server.behave = lambda request: (paths.append(request.path), send_all(request, missing_weights))
    paths = []
    monkeypatch.setenv(weights.URL_VARIABLE, f"{server.url}/presets/")
    assert ganzoo.from_preset(NAME).generate(1, seed=0).shape == (1, 28, 28, 1)
    assert paths == [f"/presets/{NAME}/model.weights.h5"]
    kept = weights.find_preset(NAME)
    assert kept == tmp_path / "home" / "presets" / NAME
    assert {path.name for path in kept.iterdir()} >= {"config.json", "card.json"}
    assert len(paths) == 1
    (kept / "model.weights.h5").write_bytes(missing_weights[:-1] + b"!")
    # A process that stops between two files leaves the folder without the second one.
    (kept / "config.json").unlink()
    (kept / "card.json").write_text("of an older version")
    weights.find_preset(NAME)
    assert len(paths) == 2
    for name in ("config.json", "card.json"):
        assert (kept / name).read_bytes() == (weights._PACKAGED / NAME / name).read_bytes()
    assert (kept / "model.weights.h5").read_bytes() == missing_weights


def test_the_card_and_samples_are_found_without_the_weights(missing_weights):
    assert loading.find_card(NAME)["preset"] == NAME
    assert weights.find_description(NAME).joinpath("samples.png").is_file()


def test_a_preset_that_cannot_be_fetched_says_what_to_do(
    missing_weights, server, tmp_path, monkeypatch
):
    for source in (None, "/data/presets", "example.org/presets", "localhost:9"):
        if source:
            monkeypatch.setenv(weights.URL_VARIABLE, source)
        with pytest.raises(ValueError, match=rf"{NAME}.*Set GANZOO_PRESETS_URL.*folder of a pres"):
            weights.find_preset(NAME)
    assert not weights.home().exists()
    monkeypatch.setenv(weights.URL_VARIABLE, server.url)
    server.behave = lambda request: send_all(request, missing_weights[:-1] + b"!")
    with pytest.raises(downloads.DownloadError, match=r"not the file.*folder of a preset"):
        weights.find_preset(NAME)
    record = registry.get_preset(NAME)[1].weights
    assert not (weights.home() / "presets" / NAME / record.name).exists()
    # Even root cannot write into a folder if its path is a file.
    (tmp_path / "file").touch()
    monkeypatch.setenv("GANZOO_HOME", str(tmp_path / "file"))
    with pytest.raises(OSError, match=rf"{NAME}.*cannot be kept in .*Set GANZOO_HOME"):
        weights.find_preset(NAME)
