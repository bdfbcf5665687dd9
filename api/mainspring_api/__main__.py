"""Writes the OpenAPI documents: `python -m mainspring_api FOLDER [--3.0]`."""

import sys
from pathlib import Path

from mainspring_api.app import BLUEPRINTS
from mainspring_api.document.openapi import write_documents

if __name__ == "__main__":
    write_documents(Path(sys.argv[1]), BLUEPRINTS, with_3_0="--3.0" in sys.argv[2:])
