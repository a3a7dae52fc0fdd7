"""Download files and verify them. A file arrives completely or not at all."""

import hashlib
import http.client
import pathlib
import socket
import threading
import urllib.error
import urllib.parse
import urllib.request

from ganzoo.saving.files import locked, new_file

# Seconds without any data after which a download fails.
TIMEOUT = 5
_CHUNK = 1 << 16


class DownloadError(OSError):
    """Error of a failed download. The message names the cause and a remedy."""


def fetch(url: str, path: pathlib.Path | str, sha256: str, size: int) -> None:
    """Download a file, verify it, and replace any other file at its path.

    The download is written to a temporary file, verified and renamed, so the file at `path` always
    matches its record. The next call resumes an interrupted download. If several processes download
    into one folder, one of them downloads and the others wait.

    Args:
        url: str. `http://...` or `https://...`.
        path: file to write. Missing folders are created.
        sha256: str. Expected SHA-256 of the file, in hexadecimal.
        size: int. Expected size in bytes. Data beyond it are not read.

    Raises:
        DownloadError: If the download fails, or the file differs from its record. A file at `path`
            is not changed.
        OSError: If the file cannot be written.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.parent, None):
        if path.is_file() and path.stat().st_size == size and digest(path) == sha256:
            return  # Another process has downloaded it.
        part = path.with_name(f"{path.name}.part")
        # A part of the full size was downloaded before, but not verified.
        if not part.is_file() or part.stat().st_size != size:
            _receive(url, part, size)
        if (found := digest(part)) != sha256:
            part.unlink()
            raise DownloadError(
                f"{url} is not the file that was recorded: its SHA-256 is {found}, not {sha256}. "
                "The download was deleted. Try again, or use another source."
            )
        with new_file(path, durable=True) as partial:
            part.replace(partial)


def digest(path: pathlib.Path | str) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


def require_network(host: str, port: int = 443) -> None:
    """Check that a host name can be resolved. Without a network, this fails within seconds.

    Args:
        host: str. Name of the server.
        port: int. Port of the server.

    Raises:
        OSError: If the name is not resolved within `TIMEOUT` seconds.
    """
    if urllib.request.getproxies():
        return
    # The resolver of the system may take minutes, and has no timeout.
    outcome = []

    def resolve():
        try:
            outcome.append(socket.getaddrinfo(host, port))
        except OSError as error:
            outcome.append(error)

    thread = threading.Thread(target=resolve, daemon=True)
    thread.start()
    thread.join(TIMEOUT)
    if not outcome:
        raise OSError(f"host name {host} was not resolved within {TIMEOUT} seconds")
    if isinstance(outcome[0], OSError):
        raise outcome[0]


def _receive(url, part, size):
    """Append the missing bytes of a file to its downloaded part."""
    have = part.stat().st_size if part.is_file() else 0
    have = have if have < size else 0
    with open(part, "ab") as file:
        # An error in this loop comes from the disk. Its own message is clear enough.
        for offset, chunk in _arriving(url, have, size):
            file.truncate(offset)
            file.write(chunk)
    if (have := part.stat().st_size) > size:
        part.unlink()
        raise DownloadError(
            f"{url} is not the file that was recorded: it is longer than {size:,} bytes. The "
            "download was deleted. Try again, or use another source."
        )
    if have < size:
        raise DownloadError(
            f"{url} broke off after {have:,} of {size:,} bytes. They were kept. Try again to "
            "resume the download."
        )


def _arriving(url, have, size):
    """Yield `(offset, bytes)` of a file from an offset, up to one byte beyond its expected size."""
    try:
        if host := urllib.parse.urlsplit(url).hostname:
            require_network(host)
        request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            # A server that does not support ranges sends the whole file.
            resumes = have and response.status == 206 and _starts_at(response, have)
            have = have if resumes else 0
            while have <= size and (chunk := response.read1(min(_CHUNK, size + 1 - have))):
                yield have, chunk
                have += len(chunk)
    except urllib.error.HTTPError as error:
        raise DownloadError(
            f"{url} cannot be fetched: the server answers {error.code} "
            f"({http.client.responses.get(error.code, 'unknown')}). Check the address."
        ) from None
    except (OSError, http.client.HTTPException) as error:
        reason = " ".join(str(getattr(error, "reason", error)).split()) or type(error).__name__
        raise DownloadError(
            f"{url} cannot be fetched ({reason}). {have:,} of {size:,} bytes were kept. Check the "
            "network connection, and try again to resume the download."
        ) from None


def _starts_at(response, offset):
    """Return True if a response starts at the requested offset."""
    return (response.headers.get("Content-Range") or "").startswith(f"bytes {offset}-")
