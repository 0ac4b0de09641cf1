"""A remote MCP server with scripted faults, for tests. Every request is a line of the log: method, status,
bearer, session. Started as: server.py LOG TOKENS [OPTION...]; prints its port. The file TOKENS has the
tokens that are accepted, one a line; without it all are."""

import json, os, sys, threading, time, uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOG, TOKENS, OPTIONS = sys.argv[1], sys.argv[2], set(sys.argv[3:])
TOOLS = [
    {"name": "look", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": True}},
    {"name": "write", "inputSchema": {"type": "object"}},
    {"name": "near", "inputSchema": {"type": "object", "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"}}}},
]
sessions, lock, asked = {}, threading.Lock(), {}


def accepted(header):
    try:
        return header.removeprefix("Bearer ") in open(TOKENS).read().split()
    except FileNotFoundError:
        return True


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def note(self, what, status):
        names = ["Authorization", "Mcp-Session-Id", "MCP-Protocol-Version", "Mcp-Method", "Mcp-Name",
                 "Last-Event-ID", "X-Extra", "Origin"]
        found = {name: self.headers[name] for name in names if self.headers[name]}
        with lock, open(LOG, "a") as log:
            log.write(json.dumps({"what": what, "status": status, **found}) + "\n")

    def reply(self, what, status, body=b"", kind="application/json", **headers):
        self.note(what, status)
        self.send_response(status)
        if body:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def begin(self, what, **headers):
        self.note(what, 200)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def piece(self, text):
        data = text.encode() if isinstance(text, str) else text
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def event(self, message, id=None):
        head = f"id: {id}\n" if id else ""
        self.piece(f"{head}data: {json.dumps(message)}\n\n")

    def finish(self):
        self.wfile.write(b"0\r\n\r\n")

    def cut(self):
        self.close_connection = True
        self.connection.close()

    def refused(self, what):
        if accepted(self.headers["Authorization"] or ""):
            return False
        self.reply(what, 401, b'{"error":"invalid_token"}', WWW_Authenticate='Bearer error="invalid_token"')
        return True

    def unknown_session(self, what):
        if "stateless" in OPTIONS or self.headers["Mcp-Session-Id"] in sessions:
            return False
        if "400" in OPTIONS:
            body = b'{"jsonrpc":"2.0","error":{"code":-32000,"message":"No valid session ID provided"},"id":null}'
            self.reply(what, 400, body)
        else:
            self.reply(what, 404, b"Session not found", "text/plain")
        return True

    def do_DELETE(self):
        with lock:
            known = sessions.pop(self.headers["Mcp-Session-Id"], None)
        self.reply("DELETE", 200 if known is not None else 404)

    def do_GET(self):
        if self.refused("GET"):
            return
        if "no-get" in OPTIONS:
            return self.reply("GET", 405)
        if self.unknown_session("GET"):
            return
        last = self.headers["Last-Event-ID"]
        self.begin("GET")
        if last and last.startswith("cut-"):
            number = json.loads(last[4:])
            self.event({"jsonrpc": "2.0", "id": number, "result": {"content": [{"type": "text", "text": "resumed"}]}})
            return self.finish()
        self.event({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "hello"}})
        try:
            while self.headers["Mcp-Session-Id"] in sessions:
                time.sleep(0.05)
            self.finish()
        except OSError:
            pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        message = json.loads(body)
        if isinstance(message, list):
            return self.reply("batch", 200, json.dumps(
                [{"jsonrpc": "2.0", "id": one["id"], "result": {}} for one in message if "id" in one]).encode())
        what = message.get("method", "response")
        if what == "tools/call":
            what += " " + message["params"]["name"]
        if self.refused(what):
            return
        if what == "initialize":
            return self.initialize(message)
        modern = "io.modelcontextprotocol/protocolVersion" in message.get("params", {}).get("_meta", {})
        if not modern and self.unknown_session(what):
            return
        if "id" not in message or "method" not in message:
            if what == "response":
                asked[message["id"]].append(message)
            return self.reply(what, 202)
        self.answer(what, message)

    def initialize(self, message):
        version = message["params"]["protocolVersion"]
        result = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": {"name": "x", "version": "1"}}
        headers = {}
        if "stateless" not in OPTIONS:
            session = uuid.uuid4().hex
            sessions[session] = True
            headers["Mcp_Session_Id"] = session
        self.respond("initialize", message, result, **headers)

    def respond(self, what, message, result, **headers):
        answer = {"jsonrpc": "2.0", "id": message["id"], "result": result}
        if "json" in OPTIONS:
            return self.reply(what, 200, json.dumps(answer, indent=1).encode(), **headers)
        self.begin(what, **headers)
        self.event(answer)
        self.finish()

    def answer(self, what, message):
        if what == "tools/list":
            return self.respond(what, message, {"tools": TOOLS})
        if not what.startswith("tools/call "):
            return self.respond(what, message, {})
        arguments = message["params"].get("arguments", {})
        if what.endswith(" near") and self.headers["Mcp-Param-Region"] != arguments["region"]:
            error = {"code": -32020, "message": "HeaderMismatch"}
            body = {"jsonrpc": "2.0", "id": message["id"], "error": error}
            return self.reply(what, 400, json.dumps(body).encode())
        fault = arguments.get("fault")
        text = {"content": [{"type": "text", "text": arguments.get("say", "ok")}]}
        if fault and arguments.get("once"):
            with lock:
                fault = None if asked.get(fault) else fault
                asked.setdefault(arguments["fault"], []).append(True)
        if fault == "lose":
            with lock:
                sessions.clear()
            return self.unknown_session(what)
        if fault == "ask":
            id = uuid.uuid4().hex
            asked[id] = []
            self.begin(what)
            self.event({"jsonrpc": "2.0", "id": id, "method": "elicitation/create", "params": {"message": "?"}})
            while not asked[id]:
                time.sleep(0.01)
            text["content"][0]["text"] = asked[id][0]["result"]["action"]
            self.event({"jsonrpc": "2.0", "id": message["id"], "result": text})
            return self.finish()
        if fault == "cut":
            self.begin(what)
            return self.cut()
        if fault == "cut-after-id":
            self.begin(what)
            self.piece(f"retry: 100\nid: cut-{json.dumps(message['id'])}\ndata:\n\n")
            return self.cut()
        if fault == "html":
            return self.reply(what, 502, b"<html>Bad gateway</html>", "text/html")
        if fault == "forbidden":
            return self.reply(what, 403, b"no", "text/plain", WWW_Authenticate='Bearer error="insufficient_scope"')
        if fault == "redirect":
            return self.reply(what, 307, Location=arguments["to"])
        if fault == "odd":
            self.begin(what)
            data = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": text}, ensure_ascii=False)
            stream = "\ufeff: keepalive\r\nevent: message\rdata: " + data + "\r\n\r\n"
            for byte in stream.encode():
                self.piece(bytes([byte]))
            return self.finish()
        if fault == "hang":
            self.begin(what)
            try:
                while True:
                    self.piece(": keepalive\n\n")
                    time.sleep(0.05)
            except OSError:
                self.note("closed", 0)
            return self.cut()
        self.respond(what, message, text)


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
parent = os.getppid()
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
while os.getppid() == parent:
    time.sleep(0.2)
