"""Compares servers with themselves under ghtok: compare.py GHTOK FAKE_GITHUB FOLDER. Exit 1 if a line differs."""
import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

GHTOK, FAKE, FOLDER = map(os.path.abspath, sys.argv[1:4])
HERE = os.path.dirname(os.path.abspath(__file__))
REVISIONS = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"]
MODERN = "2026-07-28"
LIMIT = 60
TEXT = 'ü 🦀 \u2028 "quoted" \\ \t'


def call(name, **arguments):
    return "tools/call", {"name": name, "arguments": arguments}


def servers(home):
    """Each server's command, and the calls of its session."""
    npm = f"{FOLDER}/node_modules/@modelcontextprotocol/server-%s/dist/index.js"
    python = [f"{FOLDER}/venv/bin/python", f"{HERE}/server.py"]
    note = f"{home}/files/note.txt"
    entity = {"name": "a", "entityType": "b", "observations": [TEXT]}
    of_sdk = [
        call("echo", message=TEXT),
        call("echo"),
        call("fail"),
        ("tools/call", {"name": "slow", "arguments": {"steps": 3}, "_meta": {"progressToken": "p"}}),
        ("resources/read", {"uri": "note://one"}),
        ("prompts/get", {"name": "greet", "arguments": {"name": "you"}}),
    ]
    return {
        "server-everything": (
            ["node", npm % "everything"],
            [call("echo", message=TEXT), call("get-sum", a=1, b=2.5), call("get-tiny-image")],
        ),
        "server-filesystem": (
            ["node", npm % "filesystem", f"{home}/files"],
            [
                call("read_text_file", path=note),
                call("list_directory", path=f"{home}/files"),
                call("read_text_file", path="/nowhere"),
                call("write_file", path=f"{home}/files/new.txt", content=TEXT),
            ],
        ),
        "server-memory": (
            ["node", npm % "memory"],
            [
                call("create_entities", entities=[entity]),
                call("read_graph"),
                call("search_nodes", query="a"),
            ],
        ),
        "mcp": ([*python, "mcp"], of_sdk),
        "fastmcp": ([*python, "fastmcp"], of_sdk),
        "github-mcp-server": (
            [f"{FOLDER}/venv/bin/github-mcp-server", "stdio"],
            [call("get_issue"), call("get_file_contents", owner=1)],
        ),
    }


def session(revision, calls):
    """The lines that a client sends, each with the id of its response."""
    requests = []
    if revision == MODERN:
        requests.append(("server/discover", {}))
    else:
        client = {"name": "compare", "version": "1"}
        opening = {"protocolVersion": revision, "capabilities": {}, "clientInfo": client}
        requests += [("initialize", opening), ("notifications/initialized", None), ("ping", {})]
    lists = ["tools/list", "prompts/list", "resources/list", "resources/templates/list"]
    requests += [(method, {}) for method in lists]
    requests += calls
    requests += [call("no such tool"), ("no/such/method", {}), ("completion/complete", {})]
    for number, (method, params) in enumerate(requests):
        message = {"jsonrpc": "2.0", "method": method}
        if params is None:
            yield message, None
            continue
        if revision == MODERN:
            meta = {
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientCapabilities": {},
                **params.get("_meta", {}),
            }
            params = {**params, "_meta": meta}
        # Ids of both kinds.
        number = f"id-{number}" if number % 3 == 2 else number
        yield {**message, "id": number, "params": params}, number


def lines_of(command, environment, revision, calls):
    """What the server writes, sorted within each step: servers work in parallel. And how it ends."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )
    output, pending, steps = process.stdout.fileno(), b"", []
    os.set_blocking(output, False)
    end = time.monotonic() + LIMIT
    for message, number in session(revision, calls):
        process.stdin.write(json.dumps(message, ensure_ascii=False).encode() + b"\n")
        process.stdin.flush()
        step = []
        while number is not None:
            if b"\n" not in pending:
                if not select.select([output], [], [], max(0, end - time.monotonic()))[0]:
                    step.append(b"no response")
                    break
                data = os.read(output, 1 << 20)
                if not data:
                    step.append(b"the end")
                    break
                pending += data
                continue
            line, pending = pending.split(b"\n", 1)
            step.append(line)
            read = json.loads(line)
            if read.get("id") == number and "method" not in read:
                break
        steps.append(sorted(step))
        if step and step[-1] in (b"no response", b"the end"):
            break
    process.stdin.close()
    try:
        code = process.wait(3)
    except subprocess.TimeoutExpired:
        # server-everything does not end with its input. ghtok gives it more time.
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        code = None
    return steps, code


def sign_in(environment, address):
    login = [GHTOK, "login", "--host", address, "--client-id", "Iv23liTESTCLIENT0001", "--store", "file", "--json"]
    process = subprocess.Popen(login, env=environment, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if code := re.search(r"[A-Z0-9]{4}-[A-Z0-9]{4}", line):
            form = urllib.parse.urlencode({"user_code": code.group(), "button": "approve"})
            urllib.request.urlopen(f"http://{address}/login/device", form.encode()).read()
            break
    process.communicate()
    assert process.returncode == 0, "no sign-in"


def compare(home, name, command, calls, environment, address):
    same = True
    for revision in REVISIONS:
        results = []
        for wrapped in (False, True):
            memory = f"{home}/memory.jsonl"
            for file in (memory, f"{home}/files/new.txt"):
                if os.path.exists(file):
                    os.remove(file)
            own = {**environment, "MEMORY_FILE_PATH": memory, "GITHUB_HOST": f"http://{address}"}
            if not wrapped:
                own["GITHUB_PERSONAL_ACCESS_TOKEN"] = "ghu_" + "0" * 36
            prefix = [GHTOK, "mcp", "--"] if wrapped else []
            results.append(lines_of(prefix + command, own, revision, calls))
        (bare, bare_code), (wrapped, wrapped_code) = results
        equal = bare == wrapped and (bare_code is None or bare_code == wrapped_code)
        same &= equal
        count = sum(map(len, bare))
        print(f"{name:18} {revision}  {count:3} lines  {'equal' if equal else 'DIFFERENT'}", flush=True)
        if not equal:
            print(f"  exit codes {bare_code} {wrapped_code}")
            for one, other in zip(bare, wrapped):
                if one != other:
                    print(f"  bare    {one}\n  wrapped {other}"[:2000])
    return same


def main():
    with tempfile.TemporaryDirectory() as home:
        os.mkdir(f"{home}/files")
        with open(f"{home}/files/note.txt", "w", encoding="utf-8") as file:
            file.write(f"hello\n{TEXT}")
        environment = {"PATH": os.environ["PATH"], "HOME": home, "LANG": "C.UTF-8"}
        fake = subprocess.Popen([FAKE, "--port", "0", "--for", "1200"], stdout=subprocess.PIPE, text=True)
        try:
            address = re.search(r"http://([0-9.:]+)", fake.stdout.readline()).group(1)
            sign_in(environment, address)
            all_same = True
            for name, (command, calls) in servers(home).items():
                all_same &= compare(home, name, command, calls, environment, address)
        finally:
            fake.kill()
    sys.exit(0 if all_same else 1)


main()
