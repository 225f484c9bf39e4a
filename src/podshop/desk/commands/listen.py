"""`podshop listen`: take signed decisions from other programs into the journal of decisions."""

import argparse
import ipaddress
import os
import socket
import sys
from datetime import UTC, datetime

from podshop.desk.macro_words import KEY
from podshop.domain.error import ConfigError

AT_ONCE = 32
"""Messages that are answered at a time; more are told to come again."""

PORTS = 65_535
"""The highest number of a port."""


def run(args: argparse.Namespace) -> int:
    """Listen until interrupted."""
    if args.file.suffix != ".jsonl":
        raise ConfigError(f"{args.file}: a journal of decisions is a .jsonl file")
    key = os.environ.get(KEY, "")
    if not key:
        raise ConfigError(f"no secret: set {KEY} to what the programs sign with")
    import uvicorn

    from podshop.adapters.stores.decisions import read
    from podshop.adapters.webhook import application

    if args.file.exists():
        read(args.file)  # a journal that is wrong is told now, not to the first program
    app = application(args.file, key, lambda: datetime.now(UTC))
    config = uvicorn.Config(
        app,
        host=args.host,
        port=args.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=AT_ONCE,
    )
    if not _of_this_machine(args.host):
        print(
            f"{args.host} is reached by other machines: put a proxy with TLS in front of it.",
            file=sys.stderr,
        )
    with _bound(args.host, args.port) as taken:
        port = taken.getsockname()[1]
        print(f"listening on http://{args.host}:{port}/decisions, writing {args.file}", flush=True)
        uvicorn.Server(config).run(sockets=[taken])
    return 0


def _bound(host: str, port: int) -> socket.socket:
    """A socket that listens: whoever reads of it may call at once, and waits.

    Raises:
        ConfigError: the address is none of this machine's, or taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if not 0 <= port <= PORTS:
        raise ConfigError(
            f"cannot listen on port {port}\n  -> a port is a number from 0 to {PORTS}"
        )
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {host}, port {port}: {error}\n"
            "  -> take another --port (0 takes a free one) or an address of this machine"
        ) from error


def _of_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
