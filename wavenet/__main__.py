"""The console script as `python -m wavenet`."""

from wavenet.cli import main

if __name__ == "__main__":
    main()
