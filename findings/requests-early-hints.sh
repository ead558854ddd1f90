#!/bin/sh
# requests 2.34.2 (with urllib3 2.8.0, on Python 3.11's http.client): an interim 103 is handed over as the answer.
#
# The good guess: 103 Early Hints is interim like 100 Continue, and "a client MUST be able to parse one or more 1xx
# responses received prior to a final response, even if the client does not expect one" (RFC 9110, 15.2). curl, httpx
# and aiohttp skip it and return the 200 behind it.
#
# What happens: http.client, on which urllib3 and requests stand, skips 100 alone. Any other 1xx ends the exchange: the
# caller gets status 103 with an empty body, `ok` is true and raise_for_status() is silent; the final answer is never
# read. A server that turns early hints on breaks such a client without an error:
#
#   requests: 103, ok True, ''
#   httpx: 200, ok True, 'the answer'
#
# Needs python3 with venv, and PyPI. Ends with 1 once requests does otherwise.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check requests==2.34.2 urllib3==2.8.0 httpx==0.28.1

cat > look.py <<'PYTHON'
import socket
import threading

import httpx
import requests

ANSWER = (b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload; as=style\r\n\r\n"
          b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nthe answer")


def serve(listener):
    while True:
        link, _ = listener.accept()
        with link:
            if link.recv(65536):
                link.sendall(ANSWER)


listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=serve, args=[listener], daemon=True).start()
url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
answer = requests.get(url, timeout=5)
answer.raise_for_status()
print(f"requests: {answer.status_code}, ok {answer.ok}, {answer.text!r}")
answer = httpx.get(url, timeout=5)
print(f"httpx: {answer.status_code}, ok {answer.is_success}, {answer.text!r}")
PYTHON

venv/bin/python look.py > seen
cat > expected <<'TEXT'
requests: 103, ok True, ''
httpx: 200, ok True, 'the answer'
TEXT
cat seen
diff expected seen
