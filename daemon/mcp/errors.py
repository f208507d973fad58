"""
What can go wrong with serving the tools.
"""

from daemon.errors import DaemonError


class ToolsPortInUse(DaemonError):
    """Another program, or another `tsubasa mcp`, listens on the port."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"Port {port} is in use by another program. Serve the tools on another one: "
            f"tsubasa mcp --http --port {port + 1 if port < 65535 else 4142} (0 picks a free one)."
        )
