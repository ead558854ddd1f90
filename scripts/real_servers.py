"""The servers that prove-answers asks: what each is started with, and how it tells how many requests it had.

Invariant: all of a server lives in one temporary folder and one process group, and is gone with its `with` block.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import rig

# The versions that were tried; others may answer otherwise.
PYTHON_PACKAGES = ["uvicorn==0.54.0", "hypercorn==0.18.0", "granian==2.8.9", "gunicorn==27.0.1", "aiohttp==3.14.5",
                   "waitress==3.0.2", "cheroot==11.1.2"]
START_SECONDS = 20
# The longest that a server keeps lines of its log to itself.
LOG_SECONDS = 10
HELLO = "hello, world\n"

ASGI = """
hits = 0
async def app(scope, receive, send):
    global hits
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            await send({"type": kind + ".complete"})
            if kind == "lifespan.shutdown":
                return
    counting = scope["path"] != "/count"
    hits += counting
    body = HELLO if counting else str(hits).encode()
    head = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})
""".replace("HELLO", repr(HELLO.encode()))

WSGI = """
hits = 0
def app(environ, start_response):
    global hits
    counting = environ["PATH_INFO"] != "/count"
    hits += counting
    body = HELLO if counting else str(hits).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
""".replace("HELLO", repr(HELLO.encode()))

AIOHTTP = """
import sys
from aiohttp import web
hits = 0
async def answer(request):
    global hits
    counting = request.path != "/count"
    hits += counting
    return web.Response(text=HELLO if counting else str(hits))
app = web.Application()
app.router.add_get("/{path:.*}", answer)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
""".replace("HELLO", repr(HELLO))

CHEROOT = WSGI + """
import sys
from cheroot import wsgi
wsgi.Server(("127.0.0.1", int(sys.argv[1])), app).start()
"""

NODE_HTTP2 = """
let hits = 0;
require("http2").createServer((request, response) => {
    const counting = request.url !== "/count";
    hits += counting;
    response.end(counting ? HELLO : String(hits));
}).listen(Number(process.argv[2]), "127.0.0.1");
""".replace("HELLO", repr(HELLO))

NODE = """
let hits = 0;
require("http").createServer((request, response) => {
    const counting = request.url !== "/count";
    hits += counting;
    response.end(counting ? HELLO : String(hits));
}).listen(Number(process.argv[2]), "127.0.0.1");
""".replace("HELLO", repr(HELLO))

NGINX = """
daemon off; pid PID; error_log LOG.error; worker_processes 1;
events { worker_connections 4096; }
http {
    access_log LOG; client_body_temp_path DIR/body; proxy_temp_path DIR/proxy; fastcgi_temp_path DIR/fastcgi;
    uwsgi_temp_path DIR/uwsgi; scgi_temp_path DIR/scgi;
    server { listen 127.0.0.1:PORT LISTEN; root DIR/files; TLS EXTRA }
}
"""

APACHE = """
ServerRoot DIR
ServerName localhost
PidFile DIR/pid
Listen 127.0.0.1:PORT
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LogFormat "%r" line
ErrorLog DIR/error.log
CustomLog LOG line
DocumentRoot DIR/files
<Directory DIR/files>
Require all granted
</Directory>
"""

APACHE_HTTP2 = APACHE + """
LoadModule http2_module /usr/lib/apache2/modules/mod_http2.so
Protocols h2c
"""

HAPROXY = """
global
    log stdout format raw local0
defaults
    mode http
    log global
    log-format "%r"
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend all
    bind 127.0.0.1:PORT EXTRA
    http-request return status 200 content-type text/plain string "HELLO"
"""

LIGHTTPD = """
server.document-root = "DIR/files"
server.bind = "127.0.0.1"
server.port = PORT
server.modules = ("mod_accesslog")
accesslog.filename = "LOG"
server.max-connections = 4096
server.max-fds = 8192
"""

CADDY = """
{
    admin off
    auto_https off
    servers {
        protocols h1 h2c
    }
}
http://127.0.0.1:PORT {
    log {
        output file LOG
    }
    respond "HELLO"
}
"""

H2O = """
listen: {host: 127.0.0.1, port: PORT}
access-log: LOG
hosts:
  default:
    paths:
      /: {file.dir: DIR/files}
"""

VARNISH = """
vcl 4.1;
backend default none;
sub vcl_recv { return (synth(200)); }
"""


@dataclass
class Kind:
    """One way of running one server."""

    name: str
    # The program, looked up on PATH, or a module of the Python environment.
    program: str
    # From the place it runs in to its command line; writes the files it needs there.
    command: Callable
    # Requests per second that it bears on half of a small machine, as seen.
    rate: int = 2_000
    flags: tuple = ()
    scheme: str = "http"
    package: str = ""
    # How it is counted: by the lines of a log, by asking it, by its statistics, or not at all.
    counted: str = "log"
    # The kind of error that is its own doing, and to be named so.
    at_fault: str = ""
    # Done to it in the middle of a load.
    disturb: Callable | None = None


class Place:
    """Where one server runs: its folder, its port, its log."""

    def __init__(self, folder, port, python):
        self.folder, self.port, self.python = folder, port, python
        self.log = folder / "access.log"
        # Servers that are started as root become somebody else, who must get at it.
        folder.chmod(0o755)
        files = folder / "files"
        files.mkdir()
        (files / "hello").write_text(HELLO)

    def write(self, name, text):
        values = {"DIR": self.folder, "PORT": self.port, "LOG": self.log, "PID": self.folder / "pid",
                  "HELLO": HELLO.strip()}
        for key, value in values.items():
            text = text.replace(key, str(value))
        path = self.folder / name
        path.write_text(text)
        return path


def nginx(extra="", listen=""):
    tls = "ssl_certificate DIR/cert.pem; ssl_certificate_key DIR/key.pem;" if "ssl" in listen else ""
    text = NGINX.replace("LISTEN", listen).replace("TLS", tls).replace("EXTRA", extra)
    return lambda place: ["nginx", "-p", place.folder, "-c", place.write("nginx.conf", text)]


def asgi(*words):
    def command(place):
        place.write("hello_asgi.py", ASGI)
        return [place.python, "-B", "-m", *(str(word).replace("PORT", str(place.port)) for word in words)]
    return command


def wsgi(*words):
    def command(place):
        place.write("hello_wsgi.py", WSGI)
        return [place.python, "-B", "-m", *(str(word).replace("PORT", str(place.port)) for word in words)]
    return command


def script(name, text, *program):
    return lambda place: [*(program or (place.python, "-B")), place.write(name, text), place.port]


def apache(text):
    return lambda place: ["apache2", "-f", place.write("httpd.conf", text), "-DFOREGROUND"]


def haproxy(extra=""):
    return lambda place: ["haproxy", "-db", "-f", place.write("haproxy.cfg", HAPROXY.replace("EXTRA", extra))]


def lighttpd(place):
    return ["lighttpd", "-D", "-f", place.write("lighttpd.conf", LIGHTTPD)]


def caddy(place):
    return ["caddy", "run", "--adapter", "caddyfile", "--config", place.write("Caddyfile", CADDY)]


def h2o(place):
    return ["h2o", "-c", place.write("h2o.conf", H2O)]


def reload_nginx(server):
    server.process.send_signal(signal.SIGHUP)


H2C = ("--http-version", "2")
TLS = ("-k",)

KINDS = [
    Kind("nginx", "nginx", nginx()),
    Kind("nginx, 10 answers a connection", "nginx", nginx("keepalive_requests 10;")),
    Kind("nginx, reloaded", "nginx", nginx(), disturb=reload_nginx),
    Kind("nginx, idle connections closed after 1 s", "nginx", nginx("keepalive_timeout 1s;"), rate=20),
    Kind("nginx, TLS", "nginx", nginx(listen="ssl"), scheme="https", flags=TLS),
    Kind("nginx, HTTP/2", "nginx", nginx(listen="ssl http2"), scheme="https", flags=(*TLS, *H2C)),
    Kind("nginx, HTTP/2, 100 answers a connection", "nginx", nginx("keepalive_requests 100;", "ssl http2"),
         scheme="https", flags=(*TLS, *H2C)),
    Kind("Apache", "apache2", apache(APACHE)),
    Kind("Apache, HTTP/2", "apache2", apache(APACHE_HTTP2), flags=H2C),
    Kind("HAProxy", "haproxy", haproxy()),
    Kind("HAProxy, HTTP/2", "haproxy", haproxy("proto h2"), flags=H2C),
    Kind("lighttpd", "lighttpd", lighttpd),
    Kind("lighttpd, HTTP/2", "lighttpd", lighttpd, flags=H2C),
    Kind("Caddy", "caddy", caddy),
    Kind("Caddy, HTTP/2", "caddy", caddy, flags=H2C),
    Kind("h2o", "h2o", h2o),
    Kind("h2o, HTTP/2", "h2o", h2o, flags=H2C),
    Kind("nghttpd, HTTP/2", "nghttpd",
         lambda place: ["nghttpd", "--no-tls", "-a", "127.0.0.1", "-d", place.folder / "files", place.port],
         flags=H2C, package="nghttp2-server", counted=""),
    Kind("Varnish", "varnishd",
         lambda place: ["varnishd", "-F", "-n", place.folder / "varnish", "-a", f"127.0.0.1:{place.port}",
                        "-f", place.write("default.vcl", VARNISH)], package="varnish", counted="statistics"),
    Kind("Node", "node", script("hello.js", NODE, "node"), rate=2_000, package="nodejs", counted="ask"),
    Kind("Node, HTTP/2", "node", script("hello_http2.js", NODE_HTTP2, "node"), rate=2_000, flags=H2C,
         package="nodejs", counted="ask"),
    Kind("uvicorn", "python", asgi("uvicorn", "hello_asgi:app", "--port", "PORT", "--no-access-log"), rate=2_000,
         counted="ask"),
    Kind("uvicorn, 8 connections at most", "python",
         asgi("uvicorn", "hello_asgi:app", "--port", "PORT", "--no-access-log", "--limit-concurrency", "8"), rate=50,
         counted="ask"),
    Kind("hypercorn", "python", asgi("hypercorn", "hello_asgi:app", "-b", "127.0.0.1:PORT"), rate=1_000, counted="ask"),
    # It says goodbye to the thousandth request of a connection as if it had been processed, and does not answer
    # it where it is busy: findings/hypercorn-goaway.sh.
    Kind("hypercorn, HTTP/2", "python", asgi("hypercorn", "hello_asgi:app", "-b", "127.0.0.1:PORT"), rate=1_000,
         flags=H2C, counted="ask", at_fault="goaway"),
    Kind("granian", "python", asgi("granian", "--interface", "asgi", "--port", "PORT", "hello_asgi:app"), rate=2_000,
         counted="ask"),
    Kind("granian, HTTP/2", "python",
         asgi("granian", "--interface", "asgi", "--port", "PORT", "--http", "2", "hello_asgi:app"), rate=2_000,
         flags=H2C, counted="ask"),
    Kind("gunicorn, one sync worker", "python", wsgi("gunicorn", "-b", "127.0.0.1:PORT", "hello_wsgi:app"), rate=50,
         counted="ask"),
    Kind("gunicorn, one sync worker, few requests", "python",
         wsgi("gunicorn", "-b", "127.0.0.1:PORT", "hello_wsgi:app"), rate=5, counted="ask"),
    Kind("gunicorn, one worker of 4 threads", "python",
         wsgi("gunicorn", "-b", "127.0.0.1:PORT", "--threads", "4", "hello_wsgi:app"), rate=1_000, counted="ask"),
    Kind("waitress", "python", wsgi("waitress", "--listen", "127.0.0.1:PORT", "hello_wsgi:app"), rate=1_000,
         counted="ask"),
    Kind("cheroot", "python", script("hello_cheroot.py", CHEROOT), rate=1_000, counted="ask"),
    Kind("aiohttp", "python", script("hello_aiohttp.py", AIOHTTP), rate=2_000, counted="ask"),
]


def missing(kind):
    """The Debian package that is not installed, or nothing."""
    if kind.program == "python" or shutil.which(kind.program):
        return None
    return kind.package or kind.program


def python_environment(folder):
    """A Python with the servers written in it."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PYTHON_PACKAGES],
                   check=True)
    return python


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def certificate(folder):
    """A self-signed certificate for 127.0.0.1 in `folder`: cert.pem and key.pem."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)


class Server:
    """A running server of a kind."""

    def __init__(self, kind, folder, python):
        self.kind = kind
        self.place = Place(folder, free_port(), python)
        if kind.scheme == "https":
            certificate(folder)
        self.url = f"{kind.scheme}://127.0.0.1:{self.place.port}/hello"
        command = rig.pinned(rig.last_cpu(), kind.command(self.place))
        self.output = open(folder / "output", "w+")
        self.process = subprocess.Popen(command, cwd=folder, stdout=self.output, stderr=subprocess.STDOUT,
                                        stdin=subprocess.DEVNULL, start_new_session=True,
                                        env={**os.environ, "PYTHONPATH": str(folder)})

    def __enter__(self):
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            if self.ask("/hello")[0] == "200":
                self.already = self.requests()
                return self
            time.sleep(0.1)
        self.output.seek(0)
        told = self.output.read()[-1_000:]
        self.__exit__()
        rig.die(f"{self.kind.name} did not start: {told}")

    def __exit__(self, *_):
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(timeout=5)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.output.close()

    def ask(self, path):
        """What curl makes of it: the status, 000 for none, and the body."""
        version = ["--http2-prior-knowledge"] if H2C == self.kind.flags else []
        done = subprocess.run(["curl", "-sk", *version, "-m", "5", "-w", "\n%{http_code}",
                               self.url.removesuffix("/hello") + path], capture_output=True, text=True)
        body, _, status = done.stdout.rpartition("\n")
        return status, body

    def requests(self, expected=0):
        """How many requests for /hello it says it has had, soon `expected` or more; nothing if it does not say."""
        if self.kind.counted == "ask":
            return int(self.ask("/count")[1])
        if self.kind.counted == "statistics":
            # Varnish's workers hand theirs over now and then.
            time.sleep(2)
            told = subprocess.run(["varnishstat", "-n", self.place.folder / "varnish", "-1", "-f", "MAIN.client_req"],
                                  check=True, capture_output=True, text=True)
            return int(told.stdout.split()[1])
        if self.kind.counted == "log":
            # Servers write their logs in their own time.
            until = time.monotonic() + LOG_SECONDS
            while self.logged() < expected and time.monotonic() < until:
                time.sleep(0.2)
            time.sleep(0.3)
            return self.logged()
        return None

    def logged(self):
        texts = [path.read_text(errors="replace") for path in (self.place.log, self.place.folder / "output")
                 if path.exists()]
        return sum(line.count("/hello") > 0 for text in texts for line in text.splitlines())


if __name__ == "__main__":
    sys.exit("started by prove-answers")
