"""Validates a bill of materials by the schema of CycloneDX 1.5: sbom.py FILE."""

import json
import pathlib
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

text = pathlib.Path(sys.argv[1]).read_text()
fault = JsonStrictValidator(SchemaVersion.V1_5).validate_str(text)
if fault:
    sys.exit(f"{sys.argv[1]}: {fault}")
names = {component["name"] for component in json.loads(text)["components"]}
absent = {"ring", "rustls", "libdbus-sys", "ureq"} - names
if absent:
    sys.exit(f"{sys.argv[1]} does not name {absent}")
print(f"{len(names)} components")
