"""Write `docs/openapi.json` from the routes themselves."""

import os
from pathlib import Path

PATH = Path(__file__).parent.parent / "docs" / "openapi.json"


def openapi_json() -> str:
    """Describe the API; importing the routes needs settings, whatever their values."""
    names = "TABLE_NAME BUCKET_NAME STORE_QUEUE_URL WATCH_MACHINE_ARN KIE_SECRET_ARN"
    names += " CALLBACK_SECRET_ARN KIE_BASE_URL KIE_UPLOAD_BASE_URL PUBLIC_BASE_URL GUESS_BASE_URL"
    names += " THUMBNAIL_FUNCTION_NAME FILES_DOMAIN FILES_KEY_ID FILES_KEY_SECRET_ARN"
    numbers = "FIRST_POLL_SECONDS POLL_CAP_SECONDS DEADLINE_SECONDS GUESS_AFTER_SECONDS"
    numbers += " KIE_CREATIONS_PER_10_SECONDS REQUESTS_PER_MINUTE TASKS_AT_ONCE"
    numbers += " NEW_OWNER_CREDITS UNKNOWN_ESTIMATE_CREDITS RELEASE_AFTER_SECONDS"
    os.environ.update(dict.fromkeys(names.split(), "http://127.0.0.1"))
    os.environ.update(dict.fromkeys(numbers.split(), "1"))
    os.environ.update(dict.fromkeys(("JWT_ISSUER", "JWT_AUDIENCE"), ""))
    os.environ.update({"JWT_OWNER_CLAIM": "sub", "JWT_MAY_ADMIN": "false"})
    os.environ["RESULT_HOSTS"] = "files.example.com"
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "KieGateway")
    os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "kie-gateway")
    from functions.api.app import app  # noqa: PLC0415 - it reads the settings

    return app.get_openapi_json_schema() + "\n"


if __name__ == "__main__":
    PATH.write_text(openapi_json())
