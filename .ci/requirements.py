"""Print what pyproject.toml requires, one a line: of the package and of some extras.

python .ci/requirements.py --extra test --without torch skorch
"""

import argparse
import re
import tomllib
from pathlib import Path

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--extra", nargs="*", default=[])
parser.add_argument("--without", nargs="*", default=[])
options = parser.parse_args()

pyproject = Path(__file__).resolve().parents[1] / "pyproject.toml"
project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
required = list(project["dependencies"])
for extra in options.extra:
    required += project["optional-dependencies"][extra]
for requirement in required:
    if re.match(r"[\w.-]+", requirement).group() not in options.without:
        print(requirement)
