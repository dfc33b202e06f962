"""The HTTP server under the local cloud."""

import socket
import threading

from dev.loopback import LoopbackHandler, LoopbackServer


class Echo(LoopbackHandler):
    def do_PUT(self) -> None:  # noqa: N802 - http.server calls it so
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def test_a_client_that_asks_first_is_told_to_go_on_before_it_sends_the_body() -> None:
    server = LoopbackServer(0, Echo)
    threading.Thread(target=server.serve_forever).start()
    try:
        with socket.create_connection(("127.0.0.1", server.server_port), 5) as client:
            client.sendall(b"PUT / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 100 ")
            client.sendall(b"abc")
            assert client.recv(1000).endswith(b"abc")
    finally:
        server.stop()
