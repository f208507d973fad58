"""
`python -m daemon`: the same as `tsubasa`.
"""

from daemon.cli.main import main

if __name__ == "__main__":
    main()
