"""An MCP server by PyPI's packages, on standard input and output: server.py mcp|fastmcp."""
import sys

if sys.argv[1] == "fastmcp":
    from fastmcp import Context, FastMCP

    server = FastMCP("compared", version="1")
else:
    from mcp.server.mcpserver import Context, MCPServer

    server = MCPServer("compared", version="1")


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
    """Reports its progress."""
    for step in range(steps):
        await ctx.report_progress(step + 1, steps, "a step")
    return "done"


@server.resource("note://one")
def note() -> str:
    """A note."""
    return "a note\nof two lines"


@server.prompt()
def greet(name: str) -> str:
    """Greets."""
    return f"Greet {name}."


if sys.argv[1] == "fastmcp":
    server.run(transport="stdio", show_banner=False)
else:
    server.run("stdio")
