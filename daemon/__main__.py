"""
`python -m daemon`: the same as `tsubasa`.
"""

from daemon.cli.front import main

if __name__ == "__main__":
    main()
