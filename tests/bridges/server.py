"""A remote MCP server by PyPI's packages: server.py stateful|stateless|fastmcp PORT."""
import sys

from pydantic import BaseModel

kind, port = sys.argv[1], int(sys.argv[2])
if kind == "fastmcp":
    from fastmcp import Context, FastMCP

    server = FastMCP("remote", version="1")
else:
    from mcp.server.mcpserver import Context, MCPServer

    server = MCPServer("remote", version="1")


class Answer(BaseModel):
    name: str


@server.tool()
def echo(message: str) -> str:
    """Says it again."""
    return f"Echo: {message}"


@server.tool()
def fail() -> str:
    """Fails."""
    raise ValueError("it failed, ü")


@server.tool()
async def slow(steps: int, ctx: Context) -> str:
    """Tells its progress."""
    for step in range(steps):
        await ctx.report_progress(step + 1, steps, "a step")
        if kind != "stateless":
            await ctx.info(f"step {step}")
    return "done"


@server.tool()
async def ask(ctx: Context) -> str:
    """Asks the person."""
    if kind == "fastmcp":
        answer = await ctx.elicit("Who?", response_type=Answer)
    else:
        answer = await ctx.elicit("Who?", Answer)
    return f"{answer.action} {getattr(answer, 'data', None)}"


@server.resource("note://one")
def note() -> str:
    """A note."""
    return "a note\nof two lines"


@server.prompt()
def greet(name: str) -> str:
    """Greets."""
    return f"Greet {name}."


if kind == "fastmcp":
    server.run(transport="http", host="127.0.0.1", port=port, show_banner=False)
else:
    stateless = kind == "stateless"
    server.run("streamable-http", port=port, stateless_http=stateless, json_response=stateless)
