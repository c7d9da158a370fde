"""An HTTP proxy that spoils the first requests and forwards the rest unchanged.

    faults.py --listen 0 --ready FILE --to http://127.0.0.1:8080 --plan 429,500,drop,lost,forward

Each request takes the next step of the plan; when the plan is used up, requests are forwarded.
A step followed by * is used for ever.

    forward   pass the request and the answer on
    NNN       answer this status without asking the server (429 with "Retry-After: 1")
    drop      close the connection without an answer; the server sees nothing
    lost      let the server take the request, then close the connection without its answer

FILE gets {"url": ...} once the proxy listens. Every request is reported as one JSON line on stdout.
"""

import argparse
import http.client
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

# Headers that belong to one connection (RFC 9110, 7.6.1); each side of the proxy makes its own.
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade", "expect"}


class Plan:
    def __init__(self, text):
        self.steps = [step.strip() for step in text.split(",") if step.strip()]
        self.lock = threading.Lock()
        for step in self.steps:
            name = step.rstrip("*")
            if name not in ("forward", "drop", "lost") and not (name.isdigit() and len(name) == 3):
                raise SystemExit(f"faults.py: unknown step {step!r}")

    def next(self):
        with self.lock:
            if not self.steps:
                return "forward"
            if self.steps[0].endswith("*"):
                return self.steps[0][:-1]
            return self.steps.pop(0)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keep-alive, as between an SDK and a real server
    disable_nagle_algorithm = True

    def serve_request(self):
        body = self.read_body()
        step = self.server.plan.next()
        report = {"step": step, "method": self.command, "path": self.path, "bytes": len(body)}
        reply = None
        if step.isdigit():
            reply = self.fault(int(step))
        elif step != "drop":
            try:
                reply = self.forward(body)
                report["status"] = reply[0]
            except (OSError, http.client.HTTPException) as error:
                # No server: a client that talked to it directly would see its connection fail.
                report["error"] = repr(error)
        # Before the answer: whoever has got it finds its line in the report.
        print(json.dumps(report), flush=True)
        if reply is None or step == "lost":
            self.close_connection = True
            return
        try:
            self.answer(*reply)
        except ConnectionError:  # the client did not wait for it
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_HEAD = do_PATCH = serve_request

    def is_chunked(self):
        return "chunked" in self.headers.get("Transfer-Encoding", "").lower()

    def read_body(self):
        if not self.is_chunked():
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers
        return b"".join(parts)

    def forward(self, body):
        connection = http.client.HTTPConnection(self.server.target, timeout=30)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in HOP_BY_HOP:
                    connection.putheader(name, value)
            connection.endheaders()
            if self.is_chunked():
                connection.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n")
            elif body:
                connection.send(body)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            connection.close()

    def fault(self, status):
        # The keys that SDKs read from an error; without them some stumble over the body instead of the status.
        text = json.dumps({"success": False, "code": "fault", "message": "by faults.py", "error": "by faults.py"})
        headers = [("Content-Type", "application/json")]
        if status == 429:
            headers.append(("Retry-After", "1"))
        return status, headers, text.encode()

    def answer(self, status, headers, body):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP | {"transfer-encoding", "content-length"}:
                self.send_header(name, value)
        has_body = status >= 200 and status not in (204, 304)
        if self.command == "HEAD":
            self.send_header("Content-Length", dict(headers).get("Content-Length", "0"))
        elif has_body:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if has_body and self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass  # stdout has the report


class Proxy(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port, target, plan, handler=Handler):
        super().__init__(("127.0.0.1", port), handler)
        self.target = urlsplit(target).netloc
        self.plan = Plan(plan)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", type=int, default=0, help="the port; 0 is any free one")
    parser.add_argument("--ready", required=True, help="the file that gets the proxy's address")
    parser.add_argument("--to", required=True, help="the server's address")
    parser.add_argument("--plan", default="forward*")
    args = parser.parse_args()

    proxy = Proxy(args.listen, args.to, args.plan)
    # Renamed into place, so that nobody reads half a file.
    with open(args.ready + ".new", "w") as file:
        json.dump({"url": proxy.url}, file)
    os.replace(args.ready + ".new", args.ready)
    try:
        proxy.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
