"""
Numbers of bytes as people read them.
"""


def told(count: int) -> str:
    """For example 2.5 GB; decimal, as download pages and disks count."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
