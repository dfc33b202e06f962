"""What template.yaml says, read once: parameters, functions, routes, schedules and CORS."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sam_template import cfn_yaml

ROOT = Path(__file__).resolve().parents[1]

type Document = dict[str, Any]

# Where CloudFormation names parts of a bucket's CORS rule otherwise than S3's API.
_CORS_NAMES = {"ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds", "Id": "ID"}


@dataclass(frozen=True)
class Route:
    """One route of the HTTP API, such as `POST /callbacks/{id}`, and the function behind it."""

    method: str
    path: str
    function: str

    @property
    def key(self) -> str:
        """Its name at API Gateway."""
        return self.path if self.path == "$default" else f"{self.method} {self.path}"


@dataclass(frozen=True)
class Schedule:
    """A function's event that comes every so often, such as `rate(10 minutes)`."""

    name: str
    function: str
    expression: str


@dataclass(frozen=True)
class Cors:
    """The API's CORS settings, as API Gateway understands them."""

    origins: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    max_age: int | None = None
    credentials: bool = False


class Template:
    """A SAM template and the folder its paths are relative to."""

    def __init__(self, path: Path = ROOT / "template.yaml") -> None:
        self.folder = path.resolve().parent
        self.document: Document = cfn_yaml.parse(path.read_text())

    @property
    def parameters(self) -> dict[str, Document]:
        """What is declared of each parameter, by name."""
        return dict(self.document.get("Parameters", {}))

    def of_type(self, kind: str) -> dict[str, Document]:
        """Return the properties of every resource of one type, by logical id."""
        resources = self.document["Resources"].items()
        return {name: r.get("Properties", {}) for name, r in resources if r["Type"] == kind}

    def code_folder(self, function: str) -> Path:
        """Return where a function's code lies."""
        return self._path(self._function_setting(function, "CodeUri"))

    def import_folders(self, function: str) -> list[Path]:
        """Return where a function's layers would lie on its import path."""
        layers = [
            *self._globals().get("Layers", []),
            *self.of_type("AWS::Serverless::Function")[function].get("Layers", []),
        ]
        return [self._layer_folder(layer["Ref"]) for layer in layers if "Ref" in layer]

    def machine_definition(self, machine: str) -> str:
        """Return a state machine's definition as text, its `${Name}` places not yet filled."""
        properties = self.of_type("AWS::Serverless::StateMachine")[machine]
        if "DefinitionUri" in properties:
            return self._path(properties["DefinitionUri"]).read_text()
        return json.dumps(properties["Definition"])

    def routes(self) -> list[Route]:
        """List the HTTP API's routes, in the order of the template."""
        return [
            _route(event.get("Properties", {}), function)
            for function, properties in self.of_type("AWS::Serverless::Function").items()
            for event in properties.get("Events", {}).values()
            if event["Type"] == "HttpApi"
        ]

    def schedules(self) -> list[Schedule]:
        """List the functions' schedules."""
        return [
            Schedule(name, function, event["Properties"]["Schedule"])
            for function, properties in self.of_type("AWS::Serverless::Function").items()
            for name, event in properties.get("Events", {}).items()
            if event["Type"] == "Schedule"
        ]

    def cors(self, values: dict[str, str]) -> Cors:
        """Read the API's CORS settings; `values` are the parameters' values."""
        for api in self.of_type("AWS::Serverless::HttpApi").values():
            if isinstance(settings := api.get("CorsConfiguration"), dict):
                return _cors({k: self._resolved(v, values) for k, v in settings.items()})
        return Cors()

    def bucket_cors(self, values: dict[str, str]) -> dict[str, list[Document]]:
        """Read the CORS rules of buckets, by logical id, with the names of S3's API."""
        return {
            name: [
                {_CORS_NAMES.get(key, key): self._resolved(v, values) for key, v in rule.items()}
                for rule in bucket["CorsConfiguration"]["CorsRules"]
            ]
            for name, bucket in self.of_type("AWS::S3::Bucket").items()
            if "CorsConfiguration" in bucket
        }

    def _resolved(self, value: Any, values: dict[str, str]) -> Any:
        if not (isinstance(value, dict) and "Ref" in value):
            return value
        name = value["Ref"]
        is_list = "List" in self.parameters[name]["Type"]
        return [part.strip() for part in values[name].split(",")] if is_list else values[name]

    def _layer_folder(self, layer: str) -> Path:
        folder = self._path(self.of_type("AWS::Serverless::LayerVersion")[layer]["ContentUri"])
        # `sam build` puts what lies in the folder below python/; unbuilt, the folder has it itself.
        built = "BuildMethod" in self.document["Resources"][layer].get("Metadata", {})
        return folder if built else folder / "python"

    def _function_setting(self, function: str, name: str) -> Any:
        own = self.of_type("AWS::Serverless::Function")[function]
        return own.get(name, self._globals().get(name))

    def _globals(self) -> Document:
        found: Document = self.document.get("Globals", {}).get("Function", {})
        return found

    def _path(self, uri: str) -> Path:
        return (self.folder / uri).resolve()


def fill(definition: str, values: dict[str, str]) -> str:
    """Fill a definition's `${Name}` places; `string.Template` would also turn `$$.` into `$.`."""
    return re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], definition)


def _route(properties: Document, function: str) -> Route:
    if "Path" not in properties:
        return Route("ANY", "$default", function)
    method = properties.get("Method", "ANY").upper()
    return Route(
        "ANY" if method == "X-AMAZON-APIGATEWAY-ANY-METHOD" else method,
        properties["Path"],
        function,
    )


def _cors(settings: Document) -> Cors:
    return Cors(
        origins=tuple(settings.get("AllowOrigins", ())),
        methods=tuple(settings.get("AllowMethods", ())),
        headers=tuple(settings.get("AllowHeaders", ())),
        exposed=tuple(settings.get("ExposeHeaders", ())),
        max_age=settings.get("MaxAge"),
        credentials=bool(settings.get("AllowCredentials", False)),
    )
