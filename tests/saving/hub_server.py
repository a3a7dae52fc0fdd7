"""A small server with the part of the Hugging Face Hub's HTTP API that presets need."""

import base64
import hashlib
import http.server
import json
import re
import urllib.parse

TOKEN = "hf_test"


class HubServer(http.server.ThreadingHTTPServer):
    """Hold repositories as `{name: {file: bytes}}`, each with one revision, `main`."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories = {}
        self.requests = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def commit(self, name):
        """Return the commit of a repository: a hash of its files, as Git's is."""
        files = sorted(self.repositories[name].items())
        return hashlib.sha1(repr(files).encode()).hexdigest()


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self._answer_read()

    def do_HEAD(self):
        self._answer_read()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        path = self._path()
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._send(403, {"error": "This token may not write."})
        if path == "/api/repos/create":
            fields = json.loads(body)
            name = f"{fields['organization']}/{fields['name']}"
            self.server.repositories.setdefault(name, {})
            return self._send(200, {"url": f"{self.server.url}/{name}"})
        if path == "/api/validate-yaml":
            return self._send(200, {})
        if found := re.fullmatch(r"/api/models/(\w+/\w+)/preupload/main", path):
            files = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                for file in json.loads(body)["files"]
            ]
            return self._send(200, {"files": files})
        if found := re.fullmatch(r"/api/models/(\w+/\w+)/commit/main", path):
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    content = base64.b64decode(line["value"]["content"])
                    self.server.repositories[found[1]][line["value"]["path"]] = content
            commit = self.server.commit(found[1])
            url = f"{self.server.url}/{found[1]}/commit/{commit}"
            return self._send(200, {"commitUrl": url, "commitOid": commit})
        return self._send(404, {})

    def _answer_read(self):
        path = self._path()
        self.server.requests.append((self.command, path))
        pattern = r"/(?:api/models/)?(\w+/\w+)(?:/(revision|tree|resolve)/(\w+)/?(.*))?"
        name, kind, revision, file = re.fullmatch(pattern, path).groups()
        files = self.server.repositories.get(name)
        if files is None:
            return self._send(401, {}, {"X-Error-Code": "RepoNotFound"})
        commit = self.server.commit(name)
        if revision not in ("main", commit):
            return self._send(404, {}, {"X-Error-Code": "RevisionNotFound"})
        if kind == "revision":
            return self._send(200, {"id": name, "sha": commit})
        oids = {path: hashlib.sha1(content).hexdigest() for path, content in files.items()}
        if kind == "tree":
            tree = [
                {"type": "file", "path": path, "size": len(content), "oid": oids[path]}
                for path, content in files.items()
            ]
            return self._send(200, tree)
        headers = {"X-Repo-Commit": commit, "ETag": f'"{oids[file]}"'}
        return self._send(200, files[file], headers)

    def _path(self):
        return urllib.parse.unquote(self.path.partition("?")[0])

    def _send(self, status, content, headers=None):
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_):
        pass
