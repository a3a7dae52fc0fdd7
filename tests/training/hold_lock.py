"""Hold the lock of a run folder until standard input is closed or the process is killed.

python hold_lock.py RUN_FOLDER
"""

import sys

from ganzoo.saving import files


def main():
    with files.locked(sys.argv[1], "held"):
        print("holds", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
