"""The command `wavenet attribute` from a clone: python scripts/attribute_predictions.py RUN --data FILE.h5 -o OUT"""

import sys

from wavenet import cli


def main(argv=None):
    """Run the command with these arguments, by default the process's own."""
    cli.main(["attribute", *(sys.argv[1:] if argv is None else argv)])


if __name__ == "__main__":
    main()
