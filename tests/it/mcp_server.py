"""A small MCP server for the tests: no package, one line a message, and a count of every call."""
import json, os, signal, sys, time, urllib.request

deeds, api = sys.argv[1], sys.argv[2]
options = set(sys.argv[3:])
token = os.environ.get("GITHUB_PERSONAL_ACCESS_TOKEN", "")
if "stubborn" in options:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("starting with", token, file=sys.stderr, flush=True)


def send(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def alive():
    request = urllib.request.Request(api + "/user", headers={"Authorization": "Bearer " + token})
    try:
        return urllib.request.urlopen(request, timeout=10).status == 200
    except Exception:
        return False


def call(name, arguments):
    with open(deeds, "a") as file:
        file.write(f"{name} {arguments.get('n', '')}\n")
    if name == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "slow":
        time.sleep(arguments.get("seconds", 1))
    if name == "pid":
        return str(os.getpid()), False
    if name == "big":
        return "x" * arguments["size"], False
    if name == "token":
        return token, False
    if alive():
        return "ok", False
    return "failed: 401 Bad credentials []", True


def serve():
    if "junk" in options:
        print("this is no JSON", flush=True)
    for line in sys.stdin:
        message = json.loads(line)
        method, id = message.get("method"), message.get("id")
        if id is None or method is None:
            continue
        params = message.get("params") or {}
        if method == "initialize":
            if "silent" in options:
                continue
            result = {
                "protocolVersion": params["protocolVersion"],
                "capabilities": {"tools": {"listChanged": True}},
                "serverInfo": {"name": "test", "version": "1"},
            }
        elif method == "tools/list":
            result = {"tools": [
                {"name": name, "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": name == "look"}}
                for name in ("look", "write", "slow", "pid", "token", "big", "die")
            ]}
        elif method == "tools/call":
            text, failed = call(params["name"], params.get("arguments") or {})
            result = {"content": [{"type": "text", "text": text}], "isError": failed}
        else:
            result = {}
        send({"jsonrpc": "2.0", "id": id, "result": result})


serve()
while "stubborn" in options:
    time.sleep(1)
