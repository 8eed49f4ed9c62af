#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The host's web server of the network experiments; a process of its own, so that it can be in a network namespace.

    webserver.py ADDRESS TILE          prints "port N", then one line for each request that has ended:

    GET BYTES SECONDS ok|lost          a download, from the request to the moment when the guest has closed the connection
    POST BYTES SECONDS SHA1|lost       an upload, from the first to the last byte of the body

GET /N answers with N bytes: the file TILE again and again. POST answers with the SHA-1 of the body. One thread a connection.
"""
import hashlib
import http.server
import socket
import sys
import time

PIECE = 1 << 18
IDLE_S = 120


class Handler(http.server.BaseHTTPRequestHandler):
    tile = b""
    timeout = IDLE_S

    def report(self, size, started, how):
        print(f"{self.command} {size} {time.monotonic() - started:.6f} {how}", flush=True)

    def start_answer(self, size):
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(size))
        self.end_headers()

    def drain(self):
        """Waits until the other end has read all and closed."""
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_WR)
        while self.connection.recv(PIECE):
            pass

    def do_GET(self):  # pylint: disable=invalid-name
        started, sent = time.monotonic(), 0
        text = self.path.strip("/")
        if not text.isdigit():
            self.send_error(404, "write /BYTES")
            return
        size = int(text)
        try:
            self.start_answer(size)
            view = memoryview(self.tile)
            while sent < size:
                at = sent % len(view)
                piece = view[at:at + min(PIECE, size - sent)]
                self.connection.sendall(piece)
                sent += len(piece)
            self.drain()
        except OSError:
            self.report(sent, started, "lost")
            return
        self.report(sent, started, "ok")

    def do_POST(self):  # pylint: disable=invalid-name
        size, got, digest, started = int(self.headers.get("Content-Length", 0)), 0, hashlib.sha1(), time.monotonic()
        try:
            while got < size:
                piece = self.rfile.read1(min(PIECE, size - got))
                if not piece:
                    raise ConnectionResetError
                got += len(piece)
                digest.update(piece)
        except OSError:
            self.report(got, started, "lost")
            return
        self.report(got, started, digest.hexdigest())
        answer = digest.hexdigest().encode()
        self.start_answer(len(answer))
        self.wfile.write(answer)

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


def main(address, tile):
    with open(tile, "rb") as file:
        Handler.tile = file.read()
    server = http.server.ThreadingHTTPServer((address, 0), Handler)
    print(f"port {server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        main(sys.argv[1], sys.argv[2])
    except KeyboardInterrupt:
        pass
