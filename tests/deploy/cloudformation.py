"""
CloudFormation before moto's: takes a change set as AWS would, or refuses it as AWS would.

moto knows neither SAM's transform nor limits, capabilities, constraints and rules. What passes here
is translated by SAM's own translator and handed on; moto makes the resources that it knows.
"""

import base64
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from moto.cloudformation.models import cloudformation_backends
from moto.cloudformation.parsing import OutputMap
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from dev import translation
from dev.references import References
from dev.stack import creatable
from sam_template import cfn_yaml, parameters, rules
from sam_template.parameters import ParameterError

# docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
MOST_BYTES_IN_A_CALL = 51_200
MOST_BYTES_IN_S3 = 1_000_000
MOST_PARAMETERS = 200
MOST_RESOURCES = 500
NOTHING_NEW = "The submitted information didn't contain changes. Submit different information."
_ZIP = b"PK\x05\x06" + bytes(18)
# moto has no HTTP API; its id stands in the outputs.
API_ID = "a1b2c3d4e5"


class RefusedError(Exception):
    """What AWS answers with a ValidationError, or an error of the code given."""

    def __init__(self, words: str, code: str = "ValidationError") -> None:
        super().__init__(words)
        self.code = code


@dataclass(frozen=True)
class Asked:
    """
    A change set as it was asked for.

    Attributes:
        values: Of every parameter, as CloudFormation would resolve them.
        given: The parameters whose value was sent.
    """

    stack: str
    kind: str
    template: str
    values: dict[str, str]
    given: frozenset[str]
    capabilities: frozenset[str]
    tags: dict[str, str]


@dataclass
class CloudFormation:
    """
    What stands before moto's CloudFormation.

    Attributes:
        asked: Every change set that was taken.
        deployed: The last one of each stack that was carried out.
    """

    region: str
    asked: list[Asked] = field(default_factory=list)
    deployed: dict[str, Asked] = field(default_factory=dict)

    def before(self, body: bytes) -> bytes:
        """Check a call and put it into words that moto understands. Raises RefusedError."""
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        if form.get("Action") == "CreateChangeSet":
            return self._create(form)
        return body

    def after(self, body: bytes) -> None:
        """Mend what moto has made of a call."""
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        if form.get("Action") == "CreateChangeSet":
            self._mark_if_nothing_new(form)
        if form.get("Action") == "ExecuteChangeSet":
            [stack] = [s for s in self._backend.stacks.values() if s.name == form["StackName"]]
            # moto leaves a change set's outputs and tags out.
            made = self._backend.describe_change_set(form["ChangeSetName"])
            stack.output_map = OutputMap(stack.resource_map, made.template_dict, stack.stack_id)
            stack.tags = made.tags
            asked = [one for one in self.asked if one.stack == stack.name][-1]
            self.deployed[stack.name] = asked
            # As it was sent; moto would answer with the translation.
            stack.template = asked.template

    @property
    def _backend(self) -> Any:
        return cloudformation_backends[DEFAULT_ACCOUNT_ID][self.region]

    def _create(self, form: dict[str, str]) -> bytes:
        text = self._text(form)
        document = cfn_yaml.parse(text)
        asked = Asked(
            stack=form["StackName"],
            kind=form["ChangeSetType"],
            template=text,
            values=self._values(form, document),
            given=frozenset(
                one["ParameterKey"]
                for one in _records(form, "Parameters")
                if "ParameterValue" in one
            ),
            capabilities=frozenset(_list(form, "Capabilities")),
            tags={tag["Key"]: tag["Value"] for tag in _records(form, "Tags")},
        )
        translated = self._translated(document, asked)
        self.asked.append(asked)
        kept = {k: v for k, v in form.items() if not re.match("Template|Parameters", k)}
        kept["TemplateBody"] = json.dumps(translated)
        for number, (name, value) in enumerate(asked.values.items(), 1):
            kept[f"Parameters.member.{number}.ParameterKey"] = name
            kept[f"Parameters.member.{number}.ParameterValue"] = value
        return urlencode(kept).encode()

    def _text(self, form: dict[str, str]) -> str:
        if url := form.get("TemplateURL"):
            # SAM gives the bucket in the path.
            bucket, key = urlsplit(url).path.removeprefix("/").split("/", 1)
            found = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].get_object(bucket, key)
            if found is None:
                raise RefusedError("S3 error: The specified key does not exist.")
            text: str = found.value.decode()
            if len(text.encode()) > MOST_BYTES_IN_S3:
                raise RefusedError("the template is too large")
            return text
        text = form["TemplateBody"]
        if len(text.encode()) > MOST_BYTES_IN_A_CALL:
            raise RefusedError("Member must have length less than or equal to 51200")
        return text

    def _values(self, form: dict[str, str], document: Any) -> dict[str, str]:
        declared = document.get("Parameters") or {}
        before = self.deployed.get(form["StackName"])
        given = {}
        for one in _records(form, "Parameters"):
            name = one["ParameterKey"]
            if one.get("UsePreviousValue") == "true":
                if before is None or name not in before.values:
                    raise RefusedError(f"Invalid input for parameter key {name}: no previous value")
                given[name] = before.values[name]
            else:
                given[name] = one["ParameterValue"]
        if len(declared) > MOST_PARAMETERS:
            raise RefusedError("too many parameters")
        try:
            values = parameters.resolve(declared, given)
        except ParameterError as error:
            raise RefusedError(str(error)) from error
        for words in rules.broken(document.get("Rules") or {}, values):
            raise RefusedError(f"Template error: {words}")
        return values

    def _translated(self, document: Any, asked: Asked) -> Any:
        if "Transform" not in document:
            return document
        declared = document.get("Parameters") or {}
        lists = {n: asked.values[n] for n, one in declared.items() if "List" in one["Type"]}
        for resource in document["Resources"].values():
            for name in ("CodeUri", "ContentUri", "DefinitionUri"):
                place = resource.get("Properties", {}).get(name)
                if (
                    place is not None
                    and not str(place).startswith("s3://")
                    and not _is_place(place)
                ):
                    raise RefusedError(f"'{name}' is not a valid S3 Uri: {place}")
        translated = translation.translate(document, lists)
        if len(translated["Resources"]) > MOST_RESOURCES:
            raise RefusedError("too many resources")
        makes_roles = any(r["Type"] == "AWS::IAM::Role" for r in translated["Resources"].values())
        if makes_roles and not asked.capabilities & {"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"}:
            raise RefusedError("Requires capabilities: [IAM]", "InsufficientCapabilitiesException")
        outputs = json.loads(
            json.dumps(translated.get("Outputs", {})).replace("${HttpApi}", API_ID)
        )
        made = creatable(translated, outputs)
        # In an update, moto resolves what is not to be created as well.
        references = References(translated, asked.values)
        made["Resources"] = {
            name: one for name, one in made["Resources"].items() if references.is_created(name)
        }
        for resource in made["Resources"].values():
            # moto knows the older word only.
            if resource.get("DeletionPolicy") == "RetainExceptOnCreate":
                resource["DeletionPolicy"] = "Retain"
            # And takes inline code as text at first, as a file later.
            if resource["Type"] == "AWS::Lambda::Function" and asked.kind == "UPDATE":
                resource["Properties"]["Code"] = {"ZipFile": base64.b64encode(_ZIP).decode()}
        return made

    def _mark_if_nothing_new(self, form: dict[str, str]) -> None:
        asked, before = self.asked[-1], self.deployed.get(form["StackName"])
        if before == asked or (before and _facts(before) == _facts(asked)):
            [made] = [
                one
                for one in self._backend.change_sets.values()
                if one.change_set_name == form["ChangeSetName"]
            ]
            made.status, made.status_reason = "FAILED", NOTHING_NEW


def _facts(asked: Asked) -> tuple[str, dict[str, str], dict[str, str]]:
    return asked.template, asked.values, asked.tags


def _is_place(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() >= {"Bucket", "Key"}


def _list(form: dict[str, str], name: str) -> list[str]:
    return [value for key, value in form.items() if key.startswith(f"{name}.member.")]


def _records(form: dict[str, str], name: str) -> list[dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    for key, value in form.items():
        if place := re.fullmatch(rf"{name}\.member\.(\d+)\.(\w+)", key):
            found.setdefault(int(place[1]), {})[place[2]] = value
    return [found[number] for number in sorted(found)]
