"""The examples of the README post a comment, take a webhook that the service signed, and refuse a forged one."""

import json
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from steward import Steward

README = (Path(__file__).parents[2] / "README.md").read_text()
DOUBTFUL = "Only a fool would believe this government."
# What runs each language, the name of the file, and the lines that call the example.
PYTHON = """
import sys
given = json.loads(sys.argv[1])
body = given["body"].encode()
headers = given["headers"]
print(json.dumps([moderate(given["comment"]), decision(headers, body), decision(headers, body + b" ")]))
"""
NODE = """
const given = JSON.parse(process.argv[2]);
const { headers, body, comment } = given;
console.log(JSON.stringify([await moderate(comment), decision(headers, body), decision(headers, body + " ")]));
"""
PHP = """
$given = json_decode($argv[1], true);
echo json_encode([moderate($given['comment']), decision($given['headers'], $given['body']),
    decision($given['headers'], $given['body'] . ' ')]);
"""
RUNS = {
    "python": ([sys.executable], "example.py", PYTHON),
    "js": (["node"], "example.mjs", NODE),
    "php": (["php"], "example.php", PHP),
}


@pytest.fixture(scope="module")
def received() -> Iterator[tuple[str, "queue.Queue[Any]"]]:
    """A receiver of webhooks: its address, and what came."""
    came: queue.Queue[Any] = queue.Queue()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            came.put({"headers": {name.lower(): value for name, value in self.headers.items()}, "body": body})
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/hook", came
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def hooked(received: Any) -> Iterator[dict[str, Any]]:
    """A service whose site has a webhook: how to reach it, its secret, and one webhook that it sent."""
    url, came = received
    folder = Path(tempfile.mkdtemp(prefix="steward-"))  # short: a unix socket lies in it
    steward = Steward(folder)
    steward.environment["STEWARD_WEBHOOK_ALLOW_PRIVATE"] = "true"
    steward.start()
    try:
        key = steward.first_key()
        with steward.client(key) as client:
            secret = client.put("/v1/webhooks", json={"url": url}).raise_for_status().json()["secret"]
            client.post("/v1/webhooks:test").raise_for_status()
        environment = {"STEWARD_URL": steward.url, "STEWARD_KEY": key, "STEWARD_SECRET": secret}
        yield {"environment": steward.environment | environment, **came.get(timeout=60)}
    finally:
        steward.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("language", RUNS)
def test_an_example_posts_a_comment_and_takes_a_webhook(language: str, hooked: Any, tmp_path: Path) -> None:
    command, name, calls = RUNS[language]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    (example,) = re.findall(rf"```{language}\n(.*?)\n```", README, re.DOTALL)
    file = tmp_path / name
    file.write_text(example + calls)
    comment = {"id": f"from-{language}", "text": DOUBTFUL}
    given = json.dumps({"headers": hooked["headers"], "body": hooked["body"], "comment": comment})
    environment = hooked["environment"]
    done = subprocess.run([*command, file, given], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    status, event, forged = json.loads(done.stdout)
    assert status == "pending"
    assert event["type"] == "webhook.test"
    assert forged is None
