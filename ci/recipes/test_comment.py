"""The comment of a pull request is written once and changed from then on: against a small stand-in for the server."""

import http.server
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[1] / "comment.sh"
MARK = "<!-- edgebench-gate:mobilenet -->"


class Server(http.server.BaseHTTPRequestHandler):
    """Keeps comments in a list of its class."""

    comments = []
    requests = []

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        page = int(self.path.rsplit("page=", 1)[1])
        self.answer(self.comments[(page - 1) * 100 : page * 100])

    def write(self, change):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.requests.append((self.command, self.path, self.headers["Authorization"]))
        change(body["body"])
        self.answer({})

    def do_POST(self):
        self.write(lambda body: self.comments.append({"id": len(self.comments) + 1, "body": body}))

    def do_PATCH(self):
        number = int(self.path.rsplit("/", 1)[1])
        self.write(lambda body: self.comments[number - 1].update(body=body))

    def log_message(self, *_):
        pass


class Comment(unittest.TestCase):
    def setUp(self):
        for tool in ("jq", "curl"):
            if shutil.which(tool) is None:
                print(f"skipped: comment.sh: {tool} is not installed")
                self.skipTest(tool)
        Server.comments = [{"id": at + 1, "body": f"someone's words {MARK}"} for at in range(120)]
        Server.requests = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.folder = tempfile.TemporaryDirectory()
        self.file = pathlib.Path(self.folder.name) / "comment.md"

    def tearDown(self):
        self.server.shutdown()
        self.server.server_close()
        self.folder.cleanup()

    def write(self, text):
        self.file.write_text(text)
        environment = {
            "PATH": os.environ["PATH"],
            "GH_TOKEN": "canary",
            "GITHUB_REPOSITORY": "owner/name",
            "NUMBER": "7",
            "GITHUB_API_URL": f"http://127.0.0.1:{self.server.server_port}",
        }
        return subprocess.run([SCRIPT, self.file], env=environment, capture_output=True, text=True, timeout=60)

    def test_written_once_then_changed(self):
        self.assertEqual(self.write(f"{MARK}\nfirst").returncode, 0)
        self.assertEqual(self.write(f'{MARK}\nsecond "quoted" `$(id)`').returncode, 0)
        self.assertEqual(len(Server.comments), 121)
        self.assertEqual(Server.comments[-1]["body"], f'{MARK}\nsecond "quoted" `$(id)`')
        verbs = [(verb, path) for verb, path, _ in Server.requests]
        root = "/repos/owner/name/issues"
        self.assertEqual(verbs, [("POST", f"{root}/7/comments"), ("PATCH", f"{root}/comments/121")])
        self.assertEqual({token for _, _, token in Server.requests}, {"Bearer canary"})

    def test_text_without_a_mark_is_not_sent(self):
        ended = self.write("no mark")
        self.assertEqual(ended.returncode, 2)
        self.assertNotIn("canary", ended.stdout + ended.stderr)
        self.assertEqual(Server.requests, [])


if __name__ == "__main__":
    unittest.main()
