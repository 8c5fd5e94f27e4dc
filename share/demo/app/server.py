"""A small web service, as yours may be: it listens on the port that it is told, and finishes its requests on SIGTERM."""

import os
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = 1


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path.startswith("/slow"):
            time.sleep(0.3)  # some requests take their time
        body = f"Hello from version {VERSION}, instance {os.environ['INSTANCE']}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Instance", os.environ["INSTANCE"])
        self.send_header("X-Release", os.environ["RELEASE"])
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = False  # closing waits for the requests that still run
    request_queue_size = 1024


server = Server((os.environ["HOST"], int(os.environ["PORT"])), Page)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
print(f"version {VERSION} listens on port {os.environ['PORT']}", flush=True)
server.serve_forever(poll_interval=0.05)
server.server_close()
