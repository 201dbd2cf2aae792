"""`python -m nbproj` is the command line."""

from nbproj.cli import main

if __name__ == "__main__":
    main()
