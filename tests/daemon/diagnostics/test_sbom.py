"""What this program is made of: packages with licences that let them be given on, and a bill of materials."""

import re
import tomllib
from pathlib import Path

from daemon.diagnostics.sbom import components, document

ROOT = Path(__file__).parents[3]
FREE = re.compile(
    r"MIT|BSD|Apache|ISC|PSF|Python|MPL|Mozilla|Zlib|CC0|Unlicense|Public Domain|LGPL|Lesser|OSI Approved|any-OSI"
)
NOT_SAID = {"jeepney": "MIT"}  # what their own repositories say, where the package does not
CUDA = re.compile(r"nvidia-|cuda-toolkit$")  # what torch brings along on Linux; README.md says whose they are


def test_each_package_has_a_licence_that_lets_it_be_given_on():
    ours = [one for one in components() if not CUDA.match(one.name)]
    refused = [one for one in ours if not FREE.search(one.licence or NOT_SAID.get(one.name, ""))]

    assert [] == refused


def test_the_bill_of_materials_names_each_package_that_is_needed_once():
    found = document()
    urls = [one["purl"] for one in found["components"]]
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    names = {
        re.split(r"[\s<>=!~;\[]", line)[0].lower().replace("_", "-") for line in wanted if ";" not in line
    }

    assert ("CycloneDX", "1.5") == (found["bomFormat"], found["specVersion"])
    assert len(set(urls)) == len(urls) > len(names)
    assert names <= {one["name"] for one in found["components"]}
    assert "tsubasa" == found["metadata"]["component"]["name"]
