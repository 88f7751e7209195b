import secrets
import socket
from contextlib import ExitStack

FIRST, LAST, TRIES = 20_000, 32_768, 50


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 nobody listens on; held together while choosing, so they all differ."""
    with ExitStack() as held:
        return [_bound(held).getsockname()[1] for _ in range(count)]


def _bound(held: ExitStack) -> socket.socket:
    bound = held.enter_context(socket.socket())
    # Below the range that systems take for outgoing connections: one of those may sit on a port from it by the time
    # that our process comes to listen there.
    for _ in range(TRIES):
        try:
            bound.bind(("127.0.0.1", secrets.randbelow(LAST - FIRST) + FIRST))
        except OSError:
            continue
        return bound
    bound.bind(("127.0.0.1", 0))
    return bound


def is_taken(port: int) -> bool:
    """Whether another program listens on the port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def answers(port: int, *, timeout: float = 0.5) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout).close()
    except OSError:
        return False
    return True
