"""Ports of this machine, looked at before what takes long to start would find them taken."""

import socket


def why_taken(host: str, port: int) -> str | None:
    """Why nothing can listen at a port, in a line; None where it is free."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            return f"port {port} of {host} cannot be had: {error.strerror}; choose another"
    return None
