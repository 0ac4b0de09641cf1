"""A registry for npm on loopback: registry.py DIST. Prints its address; it serves the packages of DIST."""

import base64
import hashlib
import http.server
import json
import pathlib
import sys
import tarfile


def manifest(path):
    """The package.json in a package."""
    with tarfile.open(path) as packed:
        return json.load(packed.extractfile("package/package.json"))


def main(dist):
    """Serves until it is ended."""
    files = {path.name: path for path in pathlib.Path(dist).glob("*.tgz")}
    packages = {about["name"]: (name, about) for name, about in ((name, manifest(path)) for name, path in files.items())}

    class Registry(http.server.BaseHTTPRequestHandler):
        """Answers as the registry of npm does."""

        def do_GET(self):  # noqa: N802
            wanted = self.path.strip("/")
            if wanted in files:
                self.answer(200, "application/octet-stream", files[wanted].read_bytes())
            elif wanted in packages:
                self.answer(200, "application/json", json.dumps(self.document(wanted)).encode())
            else:
                self.answer(404, "application/json", b"{}")

        def document(self, wanted):
            """What the registry says of a package."""
            name, about = packages[wanted]
            digest = base64.b64encode(hashlib.sha512(files[name].read_bytes()).digest()).decode()
            about = about | {"dist": {"tarball": f"{address}/{name}", "integrity": f"sha512-{digest}"}}
            if "postinstall" in about.get("scripts", {}):
                about["hasInstallScript"] = True
            version = about["version"]
            return {"name": wanted, "dist-tags": {"latest": version}, "versions": {version: about}}

        def answer(self, status, kind, body):
            """Sends one response."""
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Says nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    address = f"http://127.0.0.1:{server.server_port}"
    print(address, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
