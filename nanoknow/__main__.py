"""``python -m nanoknow``."""

from nanoknow.cli import main

if __name__ == "__main__":
    main()
