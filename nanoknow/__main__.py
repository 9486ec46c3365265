"""``python -m nanoknow``."""

from nanoknow.cli.app import main

if __name__ == "__main__":
    main()
