"""Write `docs/openapi.json` from the routes themselves."""

import json
from pathlib import Path

from kie_gateway.web.app import make_app

PATH = Path(__file__).parent.parent / "docs" / "openapi.json"


def openapi_json() -> str:
    """Return the API's document, laid out for people."""
    return json.dumps(json.loads(make_app(None).document), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(openapi_json())
