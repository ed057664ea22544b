"""A server of one file on this machine, with every fault that a test wants of it."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """Answers every request with `body`, announces `length` bytes, and waits for `hold` before the last piece."""

    body, status, length, hold, asked = b"", 200, None, None, 0


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.asked += 1
        self.send_response(server.status)
        if server.length != "unknown":
            self.send_header("Content-Length", str(server.length or len(server.body)))
        self.end_headers()
        self.wfile.write(server.body[:-100])
        if server.hold:
            server.hold.wait(10)
        self.wfile.write(server.body[-100:])

    def log_message(self, *words):
        pass


@contextmanager
def local_server(body, file):
    """A running Server; `url` is the address of its file."""
    with Server(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        server.body, server.url = body, f"http://127.0.0.1:{server.server_port}/{file}"
        yield server
        server.shutdown()
