"""Fetch a file as an installation of ganzoo does. Print the SHA-256 of the file.

python fetch_file.py URL PATH SHA256 SIZE
"""

import sys

from ganzoo.saving import downloads


def main():
    url, path, sha256, size = sys.argv[1:]
    downloads.fetch(url, path, sha256, int(size))
    print(downloads.digest(path))


if __name__ == "__main__":
    main()
