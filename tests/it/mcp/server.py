"""A small MCP server for the tests: no package, one line a message, a line in a file for every call."""
import fcntl, json, os, signal, sys, threading, time, urllib.request

deeds, api = sys.argv[1], sys.argv[2]
options = set(sys.argv[3:])
token = os.environ.get("GITHUB_PERSONAL_ACCESS_TOKEN", "")
if "stubborn" in options:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("starting with", token, file=sys.stderr, flush=True)
for option in options:
    if option.startswith("slow:"):
        time.sleep(float(option.removeprefix("slow:")))
    if option in ("alone", "patient"):
        with open(deeds + ".starts", "a") as file:
            file.write("start\n")
        own = open(deeds + ".lock", "w")
        try:
            fcntl.flock(own, fcntl.LOCK_EX | (fcntl.LOCK_NB if option == "alone" else 0))
        except OSError:
            sys.exit("another one is running")

lock = threading.Lock()
answers = {}  # our own requests: id -> what the client answered
known = {"initialized": 0, "level": None, "subscribed": []}
listening = []


def send(message):
    with lock:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


def note(deed):
    with lock, open(deeds, "a") as file:
        file.write(deed + "\n")


def alive():
    request = urllib.request.Request(api + "/user", headers={"Authorization": "Bearer " + token})
    try:
        return urllib.request.urlopen(request, timeout=10).status == 200
    except Exception:
        return False


def ask(method, params):
    """A request of ours: its ids begin at 0 in every process. What the answer is waited for by."""
    answer = {"event": threading.Event(), "id": len(answers)}
    answers[answer["id"]] = answer
    send({"jsonrpc": "2.0", "id": answer["id"], "method": method, "params": params})
    return answer


def asked(method, params):
    answer = ask(method, params)
    answer["event"].wait()
    return json.dumps(answer["result"])


def call(name, arguments):
    note(f"{name} {arguments.get('n', '')}".strip())
    if name == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "mute":
        os.close(1)
        time.sleep(1000)
    time.sleep(arguments.get("seconds", 0))
    if name == "noise":
        with lock:
            for _ in range(arguments["lines"]):
                sys.stdout.write("progress " * 10 + "\n")
            sys.stdout.flush()
        return "quiet again", False
    if name == "pid":
        return str(os.getpid()), False
    if name == "big":
        return "x" * arguments["size"], False
    if name == "length":
        return str(len(arguments["text"])), False
    if name == "arguments":
        return json.dumps(arguments), False
    if name == "known":
        return json.dumps(known), False
    if name == "token":
        return token, False
    if name == "ask":
        return asked(arguments["method"], arguments.get("params", {})), False
    if name == "ask_and_cancel":
        question = ask("elicitation/create", {"message": "?", "requestedSchema": {"type": "object", "properties": {}}})
        send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": question["id"], "reason": "over"}})
        return "cancelled", False
    if name == "touch":
        for uri in known["subscribed"]:
            send({"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": {"uri": uri}})
        for id in listening:
            meta = {"io.modelcontextprotocol/subscriptionId": id}
            send({"jsonrpc": "2.0", "method": "notifications/tools/list_changed", "params": {"_meta": meta}})
        return "touched", False
    if alive():
        return "ok", False
    note(f"dead {arguments.get('n', '')}")
    return "failed: 401 Bad credentials []", True


def tool(id, params):
    text, failed = call(params["name"], params.get("arguments") or {})
    if params["name"] == "never":
        return
    result = {"content": [{"type": "text", "text": text}], "isError": failed}
    if params.get("task") is not None:
        result = {"task": {"taskId": "t", "status": "working", "ttl": None, "createdAt": "", "lastUpdatedAt": ""}}
    send({"jsonrpc": "2.0", "id": id, "result": result})


def answer(message):
    method, id = message.get("method"), message.get("id")
    params = message.get("params") or {}
    if method is None:
        question = answers.get(id)
        if question is None or "result" in question:
            return note(f"stray answer {id}")
        question["result"] = message.get("result", message.get("error"))
        return question["event"].set()
    if method == "notifications/initialized":
        known["initialized"] += 1
    if id is None:
        return
    if method == "initialize":
        if "silent" in options:
            return
        result = {
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {"listChanged": True}},
            "serverInfo": {"name": "test", "version": "1"},
        }
    elif method == "tools/list":
        names = "look write slow pid token big die mute ask ask_and_cancel known length arguments touch never".split()
        result = {"tools": [
            {"name": name, "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": name == "look"}}
            for name in names
        ]}
    elif method == "tools/call":
        if "threads" in options or params["name"].startswith("ask"):
            return threading.Thread(target=tool, args=(id, params), daemon=True).start()
        return tool(id, params)
    elif method == "tasks/get":
        result = {"taskId": params["taskId"], "status": "completed"}
    elif method == "subscriptions/listen":
        listening.append(id)
        meta = {"io.modelcontextprotocol/subscriptionId": id}
        return send({"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged", "params": {"_meta": meta}})
    else:
        if method == "logging/setLevel":
            known["level"] = params["level"]
        if method == "resources/subscribe":
            known["subscribed"].append(params["uri"])
        result = {}
    send({"jsonrpc": "2.0", "id": id, "result": result})


if "junk" in options:
    print("this is no JSON", flush=True)
for line in sys.stdin:
    message = json.loads(line)
    for one in message if isinstance(message, list) else [message]:
        answer(one)
while "stubborn" in options:
    time.sleep(1)
