"""The command `wavenet generate` from a clone: python scripts/generate_dataset.py RECIPE -o FILE.h5"""

import sys

from wavenet import cli


def main(argv=None):
    """Run the command with these arguments, by default the process's own."""
    cli.main(["generate", *(sys.argv[1:] if argv is None else argv)])


if __name__ == "__main__":
    main()
