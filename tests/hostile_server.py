"""A loopback HTTP server that misbehaves on purpose, for every test that reads the network.

    with HostileServer() as server:
        server.page("/feed", RSS, headers={"ETag": '"1"'})
        net = Net(user_agent="test", allow_private=[server.address])
        net.get(FetchRequest(server.url("/feed")))
        assert server.count("/feed") == 1

Paths `/H01` … `/H43` of the reference list (bodies H01-H05, server behaviour H30-H43) are built in, see BEHAVIOURS;
`/H30/17` behaves as `/H30` does, so that one server can be fifty bad feeds. It listens on 127.0.0.1 only, answers
each connection once and then closes it, and leaves no thread behind.
"""

from __future__ import annotations

import gzip
import socket
import ssl
import tempfile
import threading
import zlib
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ITEM = (
    "<item><title>{t}</title><link>http://feed.test/{i}</link><guid>{i}</guid>"
    "<pubDate>Mon, 06 Sep 2010 00:01:00 +0000</pubDate><description>{d}</description></item>"
)


def rss(*titles, declaration='<?xml version="1.0" encoding="utf-8"?>'):
    """One RSS document as text with an item per title."""
    items = "".join(ITEM.format(t=title, d="d", i=number) for number, title in enumerate(titles))
    return f'{declaration}<rss version="2.0"><channel><title>T</title>{items}</channel></rss>'


RSS = rss("one", "two").encode()
REASONS = {
    200: "OK",
    301: "Moved Permanently",
    302: "Found",
    304: "Not Modified",
    410: "Gone",
    429: "Too Many Requests",
}


def zeros_gz(mebibytes, levels=1):
    """Return a gzip bomb of that many MiB of zeros, made in milliseconds: one compressed MiB, repeated.

    A deflate segment that ends in a full flush refers to nothing before it. The checksum at the end is not right;
    a reader that gets that far has lost anyway.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    segment = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    bomb = b"\x1f\x8b\x08\0\0\0\0\0\x02\xff" + segment * mebibytes + b"\x03\0" + bytes(8)
    for _ in range(levels - 1):
        bomb = gzip.compress(bomb, 9)
    return bomb


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]
    raw: bytes


@dataclass(frozen=True)
class Answer:
    body: bytes = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


class Exchange:
    """One accepted connection and what was asked on it; a behaviour answers through it."""

    def __init__(self, conn, request, stopped):
        self.request = request
        self._conn = conn
        self._stopped = stopped

    def send(self, data):
        self._conn.sendall(data)

    def answer(self, answer):
        named = {name.lower() for name, _ in answer.headers}
        implied = () if "content-length" in named else (("Content-Length", str(len(answer.body))),)
        self.head(answer.status, *answer.headers, *implied, then=answer.body)

    def head(self, status, *headers, then=b""):
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'x')}", *(f"{name}: {value}" for name, value in headers)]
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1") + then)

    def wait(self, seconds):
        """Do nothing for that long, or until the server stops; returns whether to go on."""
        return not self._stopped.wait(seconds)

    def reset(self):
        """End the connection with a TCP reset instead of an orderly close."""
        self._conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


class HostileServer:
    """Use as a context manager. `address` is what `allow_private` takes.

    With `tls` it speaks https as TLS_NAMES; a `greeting` is sent before anything is read, as mail servers do.
    """

    def __init__(self, *, tls=False, greeting=b""):
        self._greeting = greeting
        self._tls = _server_tls(self) if tls else None
        self._routes = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._open = set()
        self._threads = []
        self.requests = []
        self.connections = 0
        self.server_names = []

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self._start(self._accept)
        return self

    def __exit__(self, *_exc):
        self._stopped.set()
        with self._lock:
            for sock in (self._listener, *self._open):
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits on it
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def url(self, path, *, scheme=None, host="127.0.0.1"):
        return f"{scheme or ('https' if self._tls else 'http')}://{host}:{self.port}{path}"

    def page(self, path, body=b"", *, status=200, headers=None):
        """Answer this path always so; any path that was never set answers 404."""
        self.pages(path, Answer(body, status, tuple((headers or {}).items())))

    def pages(self, path, *answers):
        """Answer the first request with the first answer, and so on; the last one repeats."""
        left = list(answers)
        self.on(path, lambda exchange: exchange.answer(left.pop(0) if len(left) > 1 else left[0]))

    def redirect(self, path, location, *, status=302):
        self.page(path, status=status, headers={"Location": location})

    def on(self, path, behaviour):
        """Let a function of one `Exchange` answer this path."""
        self._routes[path] = behaviour

    def count(self, path=None):
        """Return how many requests came in, for one path or for all."""
        with self._lock:
            return sum(1 for request in self.requests if path in (None, request.path))

    def _start(self, target, *args):
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while not self._stopped.is_set():
            try:
                conn, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._open.add(conn)
            self._start(self._serve, conn)

    def _serve(self, conn):
        with suppress(OSError, ssl.SSLError):
            served = self._tls.wrap_socket(conn, server_side=True) if self._tls else conn
            with served:
                if served is not conn:
                    with self._lock:
                        self._open.add(served)
                served.sendall(self._greeting)
                request = _read_request(served)
                if request is not None:
                    with self._lock:
                        self.requests.append(request)
                    self._route(request.path)(Exchange(served, request, self._stopped))
        with self._lock:
            self._open.discard(conn)
        conn.close()

    def _route(self, path):
        bare = path.partition("?")[0]
        for key in (path, bare):
            if key in self._routes:
                return self._routes[key]
        family = "/" + bare.split("/")[1]
        return BEHAVIOURS.get(bare) or BEHAVIOURS.get(family) or (lambda exchange: exchange.answer(Answer(status=404)))


def _read_request(conn):
    raw = b""
    while b"\r\n\r\n" not in raw:
        piece = conn.recv(1 << 16)
        if not piece:
            return None
        raw += piece
    first, *lines = raw.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Request(first.split(" ")[1], headers, raw)


@contextmanager
def full_backlog():
    """H31b: yield an address:port where connecting hangs, because nobody accepts and the queue is full."""
    waiting = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        try:
            for _ in range(4):
                sock = socket.socket()
                waiting.append(sock)
                sock.setblocking(False)
                sock.connect_ex(listener.getsockname())
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            for sock in waiting:
                sock.close()


# -- behaviours ------------------------------------------------------------------------------------------------------


def canned(body=b"", status=200, **headers):
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return lambda exchange: exchange.answer(Answer(body, status, pairs))


def _gzip_bomb(exchange):
    exchange.answer(Answer(zeros_gz(1000), 200, (("Content-Encoding", "gzip"),)))


def _gzip_in_gzip(exchange):
    exchange.answer(Answer(zeros_gz(1000, 2), 200, (("Content-Encoding", "gzip, gzip"),)))


def _named_encoding(exchange):
    name = exchange.request.path.rpartition("/")[2]
    exchange.answer(Answer(RSS, 200, (("Content-Encoding", name),)))


def _endless(exchange):
    exchange.head(200, ("Content-Type", "application/rss+xml"))
    block = b" " * (1 << 16)
    for _ in range(10 * 2**30 // len(block)):
        exchange.send(block)


def _more_than_announced(exchange):
    exchange.head(200, ("Content-Length", "100"), then=b"x" * 10_000_000)


def _less_than_announced(exchange):
    exchange.head(200, ("Content-Length", "10000000"), then=b"x" * 100)


def _drip(exchange):
    exchange.head(200, ("Content-Length", str(len(RSS))))
    for at in range(len(RSS)):
        exchange.send(RSS[at : at + 1])
        if not exchange.wait(1):
            return


def _silence(exchange):
    exchange.wait(600)


def _small_chunks(exchange):
    """200 kB/s in chunks of 2 kB, for ever."""
    exchange.head(200, ("Transfer-Encoding", "chunked"))
    while exchange.wait(0.01):
        exchange.send(b"7d0\r\n" + b"x" * 2000 + b"\r\n")


def _long_header(exchange):
    exchange.head(200, ("X-Long", "x" * (1 << 20)), then=RSS)


def _many_headers(exchange):
    exchange.head(200, *((f"X-{number}", "1") for number in range(10_000)), then=RSS)


def _many_interim(exchange):
    exchange.send(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)
    exchange.answer(Answer(RSS))


def _reset_in_body(exchange):
    exchange.head(200, ("Content-Length", "10000"), then=b"x" * 100)
    exchange.reset()


def _hops(exchange):
    """/H38/N redirects N times and then answers."""
    left = int(exchange.request.path.rpartition("/")[2])
    moved = Answer(status=302, headers=(("Location", f"/H38/{left - 1}"),))
    exchange.answer(moved if left else Answer(RSS))


def _not_modified_with_body(exchange):
    exchange.head(304, ("Content-Length", str(len(RSS))), then=RSS)


HALF = len(RSS) // 2
BEHAVIOURS = {
    "/H01": _gzip_bomb,
    "/H02": _gzip_in_gzip,
    "/H03": _named_encoding,  # /H03/br, /H03/zstd, /H03/deflate, /H03/foo
    "/H04a": canned(gzip.compress(RSS[:HALF]) + gzip.compress(RSS[HALF:]), Content_Encoding="gzip"),
    "/H04b": canned(gzip.compress(RSS)),
    "/H04c": canned(gzip.compress(RSS)[: len(gzip.compress(RSS)) // 2], Content_Encoding="gzip"),
    "/H05a": _endless,
    "/H05b": _more_than_announced,
    "/H05c": _less_than_announced,
    "/H30": _drip,
    "/H31": _silence,  # backlog full: full_backlog(); H32: any path by https from a server without TLS
    "/H33": _small_chunks,
    "/H34a": _long_header,
    "/H34b": _many_headers,
    "/H34c": _many_interim,
    "/H35": _reset_in_body,
    "/H36a": canned(status=301, Location="/H36a"),
    "/H36b": canned(status=302, Location="/H36c"),
    "/H36c": canned(status=302, Location="/H36b"),
    "/H37a": canned(status=301, Location="http://127.0.0.1/"),
    "/H37b": canned(status=301, Location="http://169.254.169.254/latest/"),
    "/H37c": canned(status=301, Location="file:///etc/passwd"),
    "/H38": _hops,
    "/H39": canned(status=410),
    "/H40a": canned(status=429, Retry_After="120"),
    "/H40b": canned(status=429, Retry_After="Mon, 06 Sep 2010 00:05:00 GMT", Date="Mon, 06 Sep 2010 00:01:00 GMT"),
    "/H40c": canned(status=429, Retry_After="abc"),
    "/H40d": canned(status=429, Retry_After="315360000"),
    "/H41a": canned(status=304),
    "/H41b": _not_modified_with_body,
    "/H43a": canned(RSS, Content_Type="text/html"),
    "/H43b": canned(RSS, Content_Type="application/rss+xml; charset=iso-8859-1"),
}

# -- TLS ---------------------------------------------------------------------------------------------------------------

TLS_NAMES = ("feeds.example.test", "xn--bcher-kva.example")

# Made for this file and of no use anywhere else: a self-signed certificate for TLS_NAMES, valid 2020 to 2120.
TLS_CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBojCCAUmgAwIBAgIBATAKBggqhkjOPQQDAjAdMRswGQYDVQQDDBJUb2NzaW4g
dGVzdCBzZXJ2ZXIwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMB0x
GzAZBgNVBAMMElRvY3NpbiB0ZXN0IHNlcnZlcjBZMBMGByqGSM49AgEGCCqGSM49
AwEHA0IABLSSFYplWG992QUZH800PuhvZNOW9VyLBLwwM4fq0RKzCXad9f+Xy3fL
K0djKRi48xWu5WMDQmUF7yUzOHy+6pyjeDB2MB0GA1UdDgQWBBRa7WX2QkG11peH
vKDQMjD6dB7/FDA0BgNVHREELTArghJmZWVkcy5leGFtcGxlLnRlc3SCFXhuLS1i
Y2hlci1rdmEuZXhhbXBsZTAPBgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwIC
hDAKBggqhkjOPQQDAgNHADBEAiBUJSIAGZagQa12YcD7jGgMqyu24PWyD/5M8Vzo
FVDA7gIgfTYYYl57CMtVthBbSi7FtMa8PGq2ZN4/pLVOBcNQYnU=
-----END CERTIFICATE-----
"""
_TLS_KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgTtpgmbe2cpM78evr
dR8mTvo7Y5Wt+GC7KPU6xhFeJ2ihRANCAAS0khWKZVhvfdkFGR/NND7ob2TTlvVc
iwS8MDOH6tESswl2nfX/l8t3yytHYykYuPMVruVjA0JlBe8lMzh8vuqc
-----END PRIVATE KEY-----
"""


def _server_tls(server):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        pem = Path(folder, "server.pem")
        pem.write_text(TLS_CERTIFICATE + _TLS_KEY)
        context.load_cert_chain(pem)
    context.sni_callback = lambda _sock, name, _context: server.server_names.append(name)
    return context
