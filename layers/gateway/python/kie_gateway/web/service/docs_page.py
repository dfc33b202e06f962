"""The page `/docs`: the API's document, readable and ready to try, from our own address only."""

from functools import cache
from importlib.resources import files


@cache
def docs_page(openapi_json: str) -> str:
    """Write the page; Swagger UI comes with Powertools, so nothing is loaded from elsewhere."""
    assets = files("aws_lambda_powertools.event_handler.openapi.swagger_ui")
    script = (assets / "swagger-ui-bundle.min.js").read_text("utf-8")
    style = (assets / "swagger-ui.min.css").read_text("utf-8")
    document = openapi_json.replace("</", "<\\/")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Kie Gateway</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{style}</style></head><body><div id='docs'></div><script>{script}</script>"
        "<script>SwaggerUIBundle({spec: "
        f"{document}, dom_id: '#docs', persistAuthorization: true}})</script></body></html>"
    )
