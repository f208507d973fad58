"""A backend module whose shared library is missing: to import it fails as `ctypes` does."""

raise OSError("libcudart.so: cannot open shared object file")
