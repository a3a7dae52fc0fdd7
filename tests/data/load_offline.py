"""Load a data set without a network, and print the error.

python load_offline.py NAME
"""

import socket
import sys
import urllib.request


def disconnect():
    """Let every connection of this process fail."""

    def fail(*_, **__):
        raise socket.gaierror("no network")

    urllib.request.getproxies = dict
    socket.getaddrinfo = fail


def main(name):
    disconnect()
    from ganzoo import data

    try:
        data.load(name)
    except ValueError as error:
        print(error)


if __name__ == "__main__":
    main(sys.argv[1])
