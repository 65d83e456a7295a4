"""Run the command as `python -m na64`."""

from na64.cli import main

if __name__ == "__main__":
    main()
