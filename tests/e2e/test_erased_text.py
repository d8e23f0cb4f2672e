"""An erased text is nowhere any more: Redis, files, archive, the next model's training data, exports."""

import json
import time
from pathlib import Path

from redis import Redis
from steward import Steward, posted, running

from training.archive import read as read_archive
from training.run import TrainingOptions, gather

TEXT = "Xyloquartz wombats ignore my telephone number entirely"
CANARY = b"yloquartz"
LABEL = "Zephyrquill labels were imported from elsewhere"
OTHER = b"ephyrquill"
AUTHOR = "author-of-the-canary"


def holders(folder: Path) -> list[str]:
    """The files that hold one of the texts."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(path.name for path in paths if (data := path.read_bytes()) and (CANARY in data or OTHER in data))


def keys(client: "Redis") -> list[bytes]:
    """The keys in Redis whose name or value holds one of the texts."""
    found = [(key, repr((key, value(client, key)))) for key in client.scan_iter(count=1000)]
    return [key for key, text in found if any(word.decode() in text for word in (CANARY, OTHER))]


def value(client: "Redis", key: bytes) -> object:
    """Not with DUMP, which compresses."""
    reads = {
        b"string": lambda: client.get(key),
        b"hash": lambda: client.hgetall(key),
        b"set": lambda: client.smembers(key),
        b"zset": lambda: client.zrange(key, 0, -1),
        b"list": lambda: client.lrange(key, 0, -1),
        b"stream": lambda: client.xrange(key),
        b"none": lambda: None,
    }
    return reads[client.type(key)]()


def compacted(client: "Redis") -> None:
    """Rewrites the append-only file, as the service does once a day."""
    client.bgrewriteaof()
    ends_at = time.monotonic() + 120
    while client.info("persistence")["aof_rewrite_in_progress"] or client.info("persistence")["aof_rewrite_scheduled"]:
        assert time.monotonic() < ends_at
        time.sleep(0.05)


def test_an_erased_text_is_nowhere_any_more(data_dir: Path) -> None:
    with running(data_dir) as steward:
        key = steward.first_key()
        archive = data_dir / "labels"
        _fill(steward, key)
        assert "3 new labels" in steward.command("labels", "pull", "--to", str(archive), key=key)
        assert sorted(text for text in read_archive(archive).texts if "quartz" in text or "quill" in text)
        with Redis(unix_socket_path=str(data_dir / "redis.sock")) as client:
            assert keys(client), "this test can find them"
            assert holders(data_dir), "and here"
            _erase(steward, key)
            assert keys(client) == []
            compacted(client)
        said = steward.command("labels", "pull", "--to", str(archive), key=key)
        assert "2 comments were erased; 2 labels with their texts removed" in said
        assert holders(data_dir) == []
        examples = gather(TrainingOptions(folder=data_dir / "no data sets", labels=archive, wait_hours=0))
        assert examples.texts == ["Something entirely different stays here"]
        _exported_nowhere(steward, key, data_dir)


def _fill(steward: Steward, key: str) -> None:
    """The texts in every place that may keep one: a comment with edits, a report, an appeal, a label, imports."""
    with steward.client(key) as client:
        client.put("/v1/policies/default", json={"thresholds": {"toxicity": {"review_at": 0.0}}}).raise_for_status()
        author = {"id": AUTHOR, "name": TEXT}
        posted(client, "/v1/comments", {"id": "c-1", "text": f"{TEXT}, first", "author": author})
        posted(client, "/v1/comments", {"id": "c-1", "text": TEXT, "author": author, "metadata": {"note": TEXT}})
        posted(client, "/v1/comments", {"id": "c-2", "text": "Something entirely different stays here"})
        for item in client.post("/v1/review/claim", json={"count": 5}).json()["items"]:
            body = {"decision": "reject", "lease": item["lease"], "note": TEXT if item["id"] == "c-1" else ""}
            client.post(f"/v1/review/{item['id']}/decision", json=body).raise_for_status()
        client.post("/v1/comments/c-1/appeal", json={"reason": TEXT}).raise_for_status()
        client.post("/v1/comments/c-2/report", json={"reporter": AUTHOR, "reason": TEXT}).raise_for_status()
        line = json.dumps({"id": "l-1", "text": LABEL, "decision": "reject"}) + "\n"
        client.post("/v1/labels", content=line, headers={"Content-Type": "application/x-ndjson"}).raise_for_status()


def _erase(steward: Steward, key: str) -> None:
    with steward.client(key) as client:
        receipt = client.delete(f"/v1/authors/{AUTHOR}").json()
        assert (receipt["erased"], receipt["left"]) == (1, 0)
        assert client.delete("/v1/comments/l-1").status_code == 204


def _exported_nowhere(steward: Steward, key: str, data_dir: Path) -> None:
    with steward.client(key) as client:
        for path in (
            f"/v1/authors/{AUTHOR}/export",
            "/v1/labels",
            "/v1/audit?limit=1000",
            "/v1/events",
            "/v1/comments",
        ):
            found = client.get(path).content
            assert CANARY not in found, path
            assert OTHER not in found, path
    steward.command("audit", "export", "--folder", str(data_dir / "audit"))
    assert holders(data_dir) == []
