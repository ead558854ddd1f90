#!/bin/sh
# hypercorn 0.18.0 (with h2 4.4.1), HTTP/2: the request that exceeds keep_alive_max_requests is started, named as
# processed by the GOAWAY, and never answered.
#
# The good guess: GOAWAY's last stream id says which streams the server takes care of, "might have processed or might
# yet process" (RFC 9113, 6.8), so every stream up to it is answered before the connection ends, and only those above
# it are to be sent again. nginx with keepalive_requests does so.
#
# What happens: with keep_alive_max_requests = 5, the sixth request of a connection gets as far as to the application;
# then comes GOAWAY with NO_ERROR and that very stream as the last. After that hypercorn's h2 state is closed, and the
# answer of the application is dropped without a word. One after another on one connection, nothing in parallel:
#
#   stream 1: 200
#   stream 3: 200
#   stream 5: 200
#   stream 7: 200
#   stream 9: 200
#   stream 11: GOAWAY, error 0, last stream 11
#   stream 11: the application sent its answer
#   stream 11: nothing within 2 s
#
# By default it is the 1,001st request of every connection. A client may not send it again by itself, since the server
# says that it was taken.
#
# Needs python3 with venv, and PyPI. Ends with 1 once hypercorn does otherwise.
set -eu
folder=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server" 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check hypercorn==0.18.0 h2==4.4.1

cat > app.py <<'PYTHON'
import asyncio


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    # Longer than it takes the server to look at its next frame, as most applications do.
    await asyncio.sleep(0.05)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
    with open("answered", "a") as file:
        file.write("x")
PYTHON

cat > client.py <<'PYTHON'
import os
import socket
import time

import h2.config
import h2.connection
import h2.events


def connected():
    for _ in range(100):
        try:
            return socket.create_connection(("127.0.0.1", int(os.environ["PORT"])), timeout=2)
        except ConnectionRefusedError:
            time.sleep(0.1)
    raise SystemExit("hypercorn did not start")


def ask(link, client):
    """What comes for one request."""
    stream = client.get_next_available_stream_id()
    head = [(":method", "GET"), (":path", "/"), (":scheme", "http"), (":authority", "localhost")]
    client.send_headers(stream, head, end_stream=True)
    link.sendall(client.data_to_send())
    status = None
    while True:
        try:
            data = link.recv(65536)
        except TimeoutError:
            return f"stream {stream}: nothing within 2 s"
        if not data:
            return f"stream {stream}: closed"
        for event in client.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                status = dict(event.headers).get(b":status", b"").decode()
            if isinstance(event, h2.events.ConnectionTerminated):
                print(f"stream {stream}: GOAWAY, error {int(event.error_code)}, last stream {event.last_stream_id}")
                time.sleep(0.5)
                count = len(open("answered").read())
                if count == (stream + 1) // 2:
                    print(f"stream {stream}: the application sent its answer")
            if isinstance(event, h2.events.StreamEnded):
                return f"stream {stream}: {status}"
        link.sendall(client.data_to_send())


with connected() as link:
    client = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    client.initiate_connection()
    link.sendall(client.data_to_send())
    for _ in range(6):
        print(ask(link, client))
PYTHON

PORT=$(venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export PORT
printf 'keep_alive_max_requests = 5\nbind = ["127.0.0.1:%s"]\n' "$PORT" > config.toml
venv/bin/python -m hypercorn -c config.toml app:app 2> log &
server=$!
venv/bin/python client.py > seen

cat > expected <<'TEXT'
stream 1: 200
stream 3: 200
stream 5: 200
stream 7: 200
stream 9: 200
stream 11: GOAWAY, error 0, last stream 11
stream 11: the application sent its answer
stream 11: nothing within 2 s
TEXT
cat seen
diff expected seen
