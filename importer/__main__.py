"""`python -m importer` is `clopos-import`."""

from importer.cli.main import main

if __name__ == "__main__":
    main()
