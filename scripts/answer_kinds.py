"""A server that answers and ends connections in every way that real ones do, and a forward proxy.

Invariant: both listen on a free loopback port and are gone with their `with` block.
"""

import re
import select
import socket
import struct
import threading
import time

BODY = b"0123456789abcdef" * 4
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n" + BODY
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
CHUNKS = b"20\r\n" + BODY[:32] + b"\r\n20\r\n" + BODY[32:] + b"\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"

# What follows an answer, beside the next request.
STAY, CLOSE, RESET, CLOSE_AFTER_3, DRIP = "stay", "close", "reset", "close after 3", "drip"

# Path: what it shows, the bytes of an answer, and what becomes of the connection.
_ANSWERS = {
    "keep": ("length, connection kept", PLAIN, STAY),
    "chunked": ("chunks", CHUNKED + b"\r\n" + CHUNKS + b"0\r\n\r\n", STAY),
    "trailers": ("chunks and trailers", CHUNKED + b"Trailer: X-Sum\r\n\r\n" + CHUNKS + b"0\r\nX-Sum: 1\r\n\r\n", STAY),
    "many-trailers": ("chunks and 200 trailers", CHUNKED + b"\r\n" + CHUNKS + b"0\r\n"
                      + b"".join(b"X-%d: 1\r\n" % number for number in range(200)) + b"\r\n", STAY),
    "extensions": ("chunks with extensions", CHUNKED + b"\r\n20;a=b;c=\"d\"\r\n" + BODY[:32] + b"\r\n20 ; e\r\n"
                   + BODY[32:] + b"\r\n0;last\r\n\r\n", STAY),
    "close": ("connection closed, as said", PLAIN.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"), CLOSE),
    "silent": ("connection closed after each answer, unsaid", PLAIN, CLOSE),
    "after-3": ("connection closed after three answers, unsaid", PLAIN, CLOSE_AFTER_3),
    "max-3": ("connection closed after three answers, as Keep-Alive says",
              PLAIN.replace(b"OK\r\n", b"OK\r\nKeep-Alive: timeout=5, max=3\r\n"), CLOSE_AFTER_3),
    "until-close": ("body until the connection closes", b"HTTP/1.1 200 OK\r\n\r\n" + BODY, CLOSE),
    "http-1.0": ("HTTP/1.0", PLAIN.replace(b"1.1", b"1.0"), CLOSE),
    "http-1.0-keep": ("HTTP/1.0, connection kept",
                      PLAIN.replace(b"1.1 200 OK\r\n", b"1.0 200 OK\r\nConnection: keep-alive\r\n"), STAY),
    "drip": ("one byte at a time", PLAIN, DRIP),
    "continue": ("100 before the answer", b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN, STAY),
    "hints": ("103 before the answer", HINTS + PLAIN, STAY),
    "many-hints": ("eight times 103 before the answer", HINTS * 8 + PLAIN, STAY),
    "processing": ("102 before the answer", b"HTTP/1.1 102 Processing\r\n\r\n" + PLAIN, STAY),
    "no-content": ("204", b"HTTP/1.1 204 No Content\r\n\r\n", STAY),
    "not-modified": ("304 with the length of what it stands for", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 64\r\n\r\n",
                     STAY),
    "empty": ("length 0", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", STAY),
    "empty-chunks": ("no chunk but the last", CHUNKED + b"\r\n0\r\n\r\n", STAY),
    "same-lengths": ("the length twice", PLAIN.replace(b"OK\r\n", b"OK\r\nContent-Length: 64\r\n"), STAY),
    "line-feeds": ("bare line feeds", PLAIN.replace(b"\r\n", b"\n"), STAY),
    "no-reason": ("no reason phrase", PLAIN.replace(b"200 OK", b"200"), STAY),
    "folded": ("a header folded over two lines", PLAIN.replace(b"OK\r\n", b"OK\r\nX-A: one,\r\n two\r\n"), STAY),
    "folded-first": ("the first header folded", PLAIN.replace(b"OK\r\n", b"OK\r\nX-A:\r\n\tone\r\n"), STAY),
    "space-colon": ("a space before a header's colon", PLAIN.replace(b"OK\r\n", b"OK\r\nX-A : one\r\n"), STAY),
    "length-space": ("a space before the length's colon", PLAIN.replace(b"Length:", b"Length :"), STAY),
    "no-colon": ("a header without a colon", PLAIN.replace(b"OK\r\n", b"OK\r\nnonsense\r\n"), STAY),
    "odd-name": ("a header whose name holds a space and brackets", PLAIN.replace(b"OK\r\n", b"OK\r\nX (A) B: one\r\n"),
                 STAY),
    "no-name": ("a header without a name", PLAIN.replace(b"OK\r\n", b"OK\r\n: one\r\n"), STAY),
    "empty-value": ("a header without a value", PLAIN.replace(b"OK\r\n", b"OK\r\nX-A:\r\n"), STAY),
    "control": ("a control character in a header", PLAIN.replace(b"OK\r\n", b"OK\r\nX-A: a\x01b\r\n"), STAY),
    "nul": ("a NUL in a header", PLAIN.replace(b"OK\r\n", b"OK\r\nX-A: a\0b\r\n"), STAY),
    "lone-return": ("a lone carriage return in a header", PLAIN.replace(b"OK\r\n", b"OK\r\nX-A: a\rb\r\n"), STAY),
    "list-lengths": ("the length twice in one header", PLAIN.replace(b"Length: 64", b"Length: 64, 64"), STAY),
    "two-lengths": ("two lengths", PLAIN.replace(b"OK\r\n", b"OK\r\nContent-Length: 32\r\n"), STAY),
    "bad-length": ("a length that is none", PLAIN.replace(b"64", b"6x"), STAY),
    "plus-length": ("a length with a plus sign", PLAIN.replace(b"64", b"+64"), STAY),
    "length-chunks": ("chunks and a length", CHUNKED + b"Content-Length: 64\r\n\r\n" + CHUNKS + b"0\r\n\r\n", STAY),
    "chunked-twice": ("chunked said twice", CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS + b"0\r\n\r\n",
                      STAY),
    "identity": ("transfer coding identity", PLAIN.replace(b"OK\r\n", b"OK\r\nTransfer-Encoding: identity\r\n"), STAY),
    "chunk-zeros": ("chunk lengths with zeros before and spaces behind", CHUNKED + b"\r\n00000020  \r\n" + BODY[:32]
                    + b"\r\n020\r\n" + BODY[32:] + b"\r\n000\r\n\r\n", STAY),
    "chunk-line-feeds": ("chunks with bare line feeds", (CHUNKED + b"\r\n" + CHUNKS + b"0\r\n\r\n").replace(b"\r\n", b"\n"),
                         STAY),
    "blank-before": ("an empty line before the answer", b"\r\n" + PLAIN, STAY),
    "blank-after": ("an empty line behind the answer", PLAIN + b"\r\n", STAY),
    "http-1.2": ("HTTP/1.2", PLAIN.replace(b"1.1", b"1.2"), STAY),
    "http-lower": ("the version in lower case", PLAIN.replace(b"HTTP", b"http"), STAY),
    "two-spaces": ("two spaces before the status", PLAIN.replace(b" 200", b"  200"), STAY),
    "status-299": ("status 299", PLAIN.replace(b"200", b"299"), STAY),
    "reason-latin": ("a reason phrase in Latin-1", PLAIN.replace(b"OK\r", b"caf\xe9\r"), STAY),
    "reason-utf-8": ("a reason phrase in UTF-8", PLAIN.replace(b"OK\r", "gr\u00fcn".encode() + b"\r"), STAY),
    "no-content-body": ("204 with a length", PLAIN.replace(b"200 OK", b"204 No Content").replace(BODY, b""), STAY),
    "upper": ("header names in capitals", PLAIN.replace(b"Content-Length", b"CONTENT-LENGTH"), STAY),
    "latin": ("a header in Latin-1", PLAIN.replace(b"OK\r\n", b"OK\r\nX-A: caf\xe9\r\n"), STAY),
    "long-header": ("a header of 60 kB", PLAIN.replace(b"OK\r\n", b"OK\r\nX-A: " + b"a" * 60_000 + b"\r\n"), STAY),
    "long-head": ("a head of 250 kB", PLAIN.replace(b"OK\r\n", b"OK\r\n" + (b"X-A: " + b"a" * 50_000 + b"\r\n") * 5), STAY),
    "longer": ("more than the length says, then closed", PLAIN + b"more", CLOSE),
    "half": ("half of the length, then closed", PLAIN[:-32], CLOSE),
    "half-chunk": ("half of a chunk, then closed", CHUNKED + b"\r\n20\r\n" + BODY[:16], CLOSE),
    "no-last-chunk": ("closed before the last chunk", CHUNKED + b"\r\n" + CHUNKS, CLOSE),
    "half-head": ("half of a head, then closed", PLAIN[:20], CLOSE),
    "reset": ("half of the length, then reset", PLAIN[:-32], RESET),
    "reset-first": ("reset before any answer", b"", RESET),
    "nothing": ("closed before any answer", b"", CLOSE),
    "garbage": ("no HTTP at all", b"SSH-2.0-OpenSSH_9.6\r\n", CLOSE),
    "bad-chunk": ("a chunk's length that is none", CHUNKED + b"\r\nzz\r\n" + BODY, STAY),
    "never": ("a head without a body that never comes", PLAIN[:-64], STAY),
    "silence": ("no answer at all", b"", STAY),
}
# Where others may differ from curl, the kind of error that is due instead, if any. What RFC 9112 calls invalid, so
# that nobody knows how long the answer is (sections 2.2, 2.3, 4, 6.3, 7.1 and 8), curl takes for an answer.
DUE = {**dict.fromkeys(["half-head"], "closed_early"),
       **dict.fromkeys(["two-lengths", "bad-length", "plus-length", "chunk-line-feeds", "lone-return", "http-lower",
                        "two-spaces"], "protocol"),
       # A bound that docs/method.md names.
       "many-trailers": "too_large",
       # Slips that curl stumbles over, and browsers do not.
       **dict.fromkeys(["length-space", "no-colon", "blank-before"], None)}
ENDS = {path: meaning for path, (meaning, _, _) in _ANSWERS.items()}
# Path: what becomes of a request with a long body, and the status that it has.
UPLOADS = {"refuse": ("413 with most of a long request unread, then closed", 413),
           "early": ("an answer before a long request is read", 200),
           "late": ("a long request read slowly", 200)}


class _Listener:
    """Serves each connection on a thread of its own."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._guarded, args=[connection], daemon=True).start()

    def _guarded(self, connection):
        with connection:
            try:
                self.serve(connection)
            except OSError:
                # Clients leave as they like.
                pass


def read_head(connection):
    """A request's head; nothing once the connection has ended."""
    head = b""
    while b"\r\n\r\n" not in head:
        more = connection.recv(65_536)
        if not more:
            return b""
        head += more
    return head


class Answers(_Listener):
    """Answers /PATH as ENDS says, /headers/N with N headers, and anything else plainly."""

    def __init__(self):
        super().__init__()
        # Without those for /hello.
        self.requests = 0

    def serve(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        answered = 0
        while head := read_head(connection):
            path = head.split(b" ", 2)[1].decode().lstrip("/")
            self.requests += path != "hello"
            answered += 1
            if path in UPLOADS:
                if not self._take_in(connection, path, head):
                    return
                continue
            if then := self._answer(connection, path):
                if then == RESET:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                if then != CLOSE_AFTER_3 or answered == 3:
                    return

    @staticmethod
    def _take_in(connection, path, head):
        """Answers a request with a body; whether the connection is kept."""
        if path == "refuse":
            connection.sendall(PLAIN.replace(b"200 OK\r\n", b"413 Too Large\r\nConnection: close\r\n"))
            return False
        if path == "early":
            connection.sendall(PLAIN)
        fields, _, body = head.partition(b"\r\n\r\n")
        left = int(re.search(rb"(?i)content-length: (\d+)", fields).group(1)) - len(body)
        while left > 0 and (piece := connection.recv(65_536)):
            left -= len(piece)
            if path == "late":
                time.sleep(0.0005)
        if path == "late":
            connection.sendall(PLAIN)
        return left == 0

    def _answer(self, connection, path):
        if found := re.fullmatch(r"headers/(\d+)", path):
            lines = b"".join(b"X-%d: value\r\n" % number for number in range(int(found.group(1))))
            connection.sendall(PLAIN.replace(b"OK\r\n", b"OK\r\n" + lines))
            return None
        _, answer, then = _ANSWERS.get(path, ("", PLAIN, STAY))
        if then == DRIP:
            for byte in answer:
                connection.sendall(bytes([byte]))
        else:
            connection.sendall(answer)
        return None if then in (STAY, DRIP) else then


class Proxy(_Listener):
    """A forward proxy: tunnels CONNECT, and carries other requests on."""

    def serve(self, connection):
        head = read_head(connection)
        if not head:
            return
        method, target, _ = head.split(b" ", 2)
        address = (target if method == b"CONNECT" else target.split(b"/")[2]).decode().rsplit(":", 1)
        with socket.create_connection((address[0], int(address[1]))) as server:
            if method == b"CONNECT":
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                server.sendall(head)
            pairs = {connection: server, server: connection}
            while pairs:
                for ready in select.select(list(pairs), [], [])[0]:
                    data = ready.recv(262_144)
                    if not data:
                        return
                    pairs[ready].sendall(data)
