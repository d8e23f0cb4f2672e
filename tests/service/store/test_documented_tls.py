"""The redis.conf and the user of docs/deployment.md, word by word but for the paths: TLS, and a client certificate."""

import hashlib
import re
import secrets
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ports import free_port
from redis import Redis
from redis.exceptions import RedisError

from service.redis.server import find_servers
from service.settings import Settings

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "deployment.md").read_text()
USERS = (ROOT / "deploy" / "redis" / "users.acl.example").read_text()
PATIENCE_S = 60


def speaks_tls(server: str) -> bool:
    """One that was built without it complains of something else than these settings of TLS."""
    command = [server, "--port", "0", "--tls-port", "1", "--tls-cert-file", "none", "--tls-key-file", "none"]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return "configure TLS" in found.stdout + found.stderr


def server() -> str | None:
    return next((path for path in find_servers().values() if speaks_tls(path)), None)


class Documented:
    """A Redis as the page has it, in a folder; the page's /etc/redis is that folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.password = folder, secrets.token_hex(16)
        certify(folder)
        hashed = hashlib.sha256(self.password.encode()).hexdigest()
        (folder / "users.acl").write_text(USERS.replace(">PASSWORD", f"#{hashed}"))
        (conf,) = re.findall(r"```conf\n(# redis.conf\n.*?)```", PAGE, re.DOTALL)
        self.port = free_port()
        conf = conf.replace("tls-port 6379", f"tls-port {self.port}").replace("/etc/redis/tls", str(folder))
        conf = conf.replace("/etc/redis", str(folder))
        (folder / "redis.conf").write_text(f"{conf}dir {folder}\nbind 127.0.0.1\n")

    @property
    def options(self) -> dict[str, Any]:
        return {
            "ssl_ca_certs": str(self.folder / "ca.crt"),
            "ssl_certfile": str(self.folder / "redis.crt"),
            "ssl_keyfile": str(self.folder / "redis.key"),
        }

    @property
    def url(self) -> str:
        """As the page has it, with the certificate of a client."""
        query = "&".join(f"{name}={value}" for name, value in self.options.items())
        return f"rediss://steward:{self.password}@127.0.0.1:{self.port}/0?{query}"


def certify(folder: Path) -> None:
    """An authority, and a certificate of it for the server and the client."""
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    new = ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj"]
    authority = [*new, "/CN=authority", "-x509", "-days", "2", "-keyout", "ca.key", "-out", "ca.crt"]
    asked = [*new, "/CN=redis", "-keyout", "redis.key", "-out", "redis.csr"]
    signed = ["openssl", "x509", "-req", "-in", "redis.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"]
    for command in (authority, asked, [*signed, "-days", "2", "-extfile", "names", "-out", "redis.crt"]):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)


@pytest.fixture
def documented(tmp_path: Path) -> Iterator[Documented]:
    command = server()
    if command is None:
        pytest.skip("no Redis on this machine was built with TLS (Debian: redis-server)")
    made = Documented(tmp_path)
    with subprocess.Popen([command, str(tmp_path / "redis.conf")], stdout=subprocess.DEVNULL) as process:
        try:
            await_tls(made)
            yield made
        finally:
            process.kill()


def await_tls(made: Documented) -> None:
    until = time.monotonic() + PATIENCE_S
    while True:
        with Redis.from_url(made.url) as client:
            try:
                client.ping()
            except RedisError:
                assert time.monotonic() < until
                time.sleep(0.1)
            else:
                return


async def test_the_service_records_over_tls_as_that_user(documented: Documented, run: Any, key_for: Any) -> None:
    data = documented.folder / "data"
    async with run(Settings(redis_url=documented.url, data_dir=data, store_timeout_s=30)) as client:
        chief = await key_for(client, name="chief")
        assert (await chief.post("/v1/comments", {"id": "c", "text": "hello"})).status == 200
        assert (await chief.get("/v1/comments/c")).status == 200
        assert (await client.get("/readyz")).status == 200


def test_nobody_enters_without_tls_a_certificate_and_the_password(documented: Documented) -> None:
    address = f"127.0.0.1:{documented.port}"
    for url, options in (
        (documented.url.replace("rediss", "redis").partition("?")[0], {}),
        (f"rediss://steward:{documented.password}@{address}", {"ssl_ca_certs": documented.options["ssl_ca_certs"]}),
        (f"rediss://steward:wrong@{address}", documented.options),
        (f"rediss://{address}", documented.options),
    ):
        with Redis.from_url(url, **options, socket_timeout=5) as client, pytest.raises(RedisError):
            client.get("cm:any")
