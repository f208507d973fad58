"""
What this program is made of, as a CycloneDX document: python -m daemon.diagnostics.sbom [--licences] > sbom.json

Every installed package that Tsubasa needs, directly or through another, with version, licence and package URL; read
from what is installed, so nothing is fetched.
"""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Any

OURS = "tsubasa"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_CLASSIFIER = "License :: OSI Approved :: "
LONGEST = 60  # characters of a licence's name; some packages put its whole text there


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One package."""

    name: str
    version: str
    licence: str  # as the package names it; "" where it doesn't


def components() -> list[Component]:
    """Every installed package that this one needs, by name; itself is the first."""
    found: dict[str, Component] = {}
    waiting = [OURS]
    while waiting:
        name = waiting.pop()
        key = _normal(name)
        try:
            package = distribution(name)
        except PackageNotFoundError:  # of another system, or of an extra that is not installed
            continue
        if key not in found:
            found[key] = Component(name=key, version=package.version, licence=_licence(package))
            waiting += _needs(package, all_extras=key == OURS)
    ours = found.pop(OURS)
    return [ours, *(found[name] for name in sorted(found))]


def document() -> dict[str, Any]:
    """The bill of materials, in CycloneDX 1.5."""
    ours, *others = components()
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": _as_json(ours, kind="application")},
        "components": [_as_json(one, kind="library") for one in others],
    }


def _as_json(one: Component, *, kind: str) -> dict[str, Any]:
    url = f"pkg:pypi/{one.name}@{one.version}"
    found = {"type": kind, "bom-ref": url, "name": one.name, "version": one.version, "purl": url}
    return found | ({"licenses": [{"license": {"name": one.licence}}]} if one.licence else {})


def _needs(package: Distribution, *, all_extras: bool) -> Iterator[str]:
    for line in package.requires or ():
        wanted, _, condition = line.partition(";")
        if (all_extras or "extra" not in condition) and (name := _NAME.match(wanted.strip())):
            yield name[0]


def _licence(package: Distribution) -> str:
    about = package.metadata
    for expression in about.get_all("License-Expression") or ():
        return str(expression)
    classified = [
        one.removeprefix(_CLASSIFIER) for one in about.get_all("Classifier") or () if "License ::" in one
    ]
    short = next((str(one).strip() for one in about.get_all("License") or ()), "")
    if short and len(short) <= LONGEST and "\n" not in short:
        return short
    return "; ".join(classified) or _first_line(package)


def _first_line(package: Distribution) -> str:
    """Of its licence's text, where it names none and ships that."""
    names = [str(one) for one in package.metadata.get_all("License-File") or ()]
    texts = (package.read_text(f"licenses/{name}") or package.read_text(name) or "" for name in names)
    first = next((text.strip().splitlines()[0].strip() for text in texts if text.strip()), "")
    return first if len(first) <= LONGEST else ""


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> None:
    """Print the document, or with --licences one line for each package."""
    if "--licences" in sys.argv[1:]:
        for one in components():
            sys.stdout.write(f"{one.name} {one.version}: {one.licence or 'not said'}\n")
    else:
        sys.stdout.write(json.dumps(document(), indent=1) + "\n")


if __name__ == "__main__":
    main()
