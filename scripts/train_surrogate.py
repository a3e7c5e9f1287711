"""The command `wavenet train` from a clone: python scripts/train_surrogate.py TASK --data FILE.h5 -o RUN"""

import sys

from wavenet import cli


def main(argv=None):
    """Run the command with these arguments, by default the process's own."""
    cli.main(["train", *(sys.argv[1:] if argv is None else argv)])


if __name__ == "__main__":
    main()
