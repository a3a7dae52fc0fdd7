"""Files fetched over the network: whole and as recorded, or not at all."""

import hashlib
import http.client
import pathlib
import socket
import threading
import urllib.error
import urllib.parse
import urllib.request

from ganzoo.files import locked, new_file

# Seconds without a sign of life after which a server counts as gone.
TIMEOUT = 5
_CHUNK = 1 << 16


class DownloadError(OSError):
    """A file could not be fetched; the message says why, and what can be done."""


def fetch(url, path, sha256, size):
    """Fetches a file to a place where it is not yet; what else is there is replaced.

    What arrives is written under another name, compared with its record and renamed, so
    that what is at `path` is what was recorded. A part that arrived before the connection
    broke is kept, and gone on with. Of processes that fetch into one folder at once, one
    does and the others wait for it.

    Args:
        url: `http://...` or `https://...`.
        path: where the file goes; folders are made.
        sha256: str. The file's SHA-256.
        size: int. The file's bytes; what comes after them is not read.

    Raises:
        DownloadError: If it does not arrive, or is another file. Nothing is at `path` then, or
            what was there before.
        OSError: If it cannot be written.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.parent, None):
        if path.is_file() and path.stat().st_size == size and digest(path) == sha256:
            return  # Another process was quicker.
        part = path.with_name(f"{path.name}.part")
        if not part.is_file() or part.stat().st_size != size:  # Whole, and not yet compared.
            _receive(url, part, size)
        if (found := digest(part)) != sha256:
            part.unlink()
            raise DownloadError(
                f"{url} is not the file that was recorded: its SHA-256 is {found}, not {sha256}. "
                "Nothing of it was kept. Try again, or another source."
            )
        with new_file(path, durable=True) as partial:
            part.replace(partial)


def digest(path):
    """The SHA-256 of a file, as hexadecimal digits."""
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


def require_network(host, port=443):
    """Raises `OSError` within seconds where names are not resolved, as on a machine offline."""
    if urllib.request.getproxies():
        return
    # The system's resolver may take minutes, and cannot be told to take less.
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
        raise OSError(f"no answer to the question where {host} is")
    if isinstance(outcome[0], OSError):
        raise outcome[0]


def _receive(url, part, size):
    """Adds what is missing of a file to the part that is there, up to its whole size."""
    have = part.stat().st_size if part.is_file() else 0
    have = have if have < size else 0
    with open(part, "ab") as file:
        # An error in here is the disk's, and says so by itself.
        for place, chunk in _arriving(url, have, size):
            file.truncate(place)
            file.write(chunk)
    if (have := part.stat().st_size) > size:
        part.unlink()
        raise DownloadError(
            f"{url} is not the file that was recorded: it is longer than {size:,} bytes. Nothing "
            "of it was kept. Try again, or another source."
        )
    if have < size:
        raise DownloadError(
            f"{url} broke off after {have:,} of {size:,} bytes. They are kept, and the next try "
            "goes on from there."
        )


def _arriving(url, have, size):
    """Yields `(place, bytes)` of a file from a place on, to one byte after its end if there is."""
    try:
        if host := urllib.parse.urlsplit(url).hostname:
            require_network(host)
        request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            # A server that knows no ranges sends all of it.
            goes_on = have and answer.status == 206 and _begins_at(answer, have)
            have = have if goes_on else 0
            while have <= size and (chunk := answer.read1(min(_CHUNK, size + 1 - have))):
                yield have, chunk
                have += len(chunk)
    except urllib.error.HTTPError as error:
        raise DownloadError(
            f"{url} cannot be had: the server answers {error.code} "
            f"({http.client.responses.get(error.code, 'unknown')})."
        ) from None
    except (OSError, http.client.HTTPException) as error:
        reason = " ".join(str(getattr(error, "reason", error)).split()) or type(error).__name__
        raise DownloadError(
            f"{url} cannot be fetched ({reason}); {have:,} of {size:,} "
            "bytes have arrived, and the next try goes on from there. Is there a network?"
        ) from None


def _begins_at(answer, place):
    """Whether an answer begins where it was asked to."""
    return (answer.headers.get("Content-Range") or "").startswith(f"bytes {place}-")
