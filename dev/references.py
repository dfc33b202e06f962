"""
The references of a translated template, resolved as far as they say who means whom.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html.
Physical ids and attributes are made up from logical ids: two that are the same are the same here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_PSEUDO = {
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::StackName": "stack",
    "AWS::StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/stack/1",
    "AWS::URLSuffix": "amazonaws.com",
}
_NOTHING = object()
_PLACE = re.compile(r"\$\{([^!{}][^{}]*)\}")

type Document = dict[str, Any]


class References:
    """
    The references of one translated template.

    Args:
        document: What SAM's translator has made.
        values: The value of every parameter.

    """

    def __init__(self, document: Document, values: Mapping[str, str]) -> None:
        self.document = document
        self._values = values
        self._resources: Document = document["Resources"]
        self._problems: list[str] = []

    def of_type(self, kind: str) -> dict[str, Document]:
        """Return the properties of the resources of a type that are created, by logical id."""
        return {
            name: self.resolve(resource.get("Properties", {}))
            for name, resource in self._resources.items()
            if resource["Type"] == kind and self.is_created(name)
        }

    def unresolved(self) -> list[str]:
        """Return which references of what is created lead nowhere."""
        problems = []
        outputs = self.document.get("Outputs", {})
        places = [
            (n, r.get("Properties", {})) for n, r in self._resources.items() if self.is_created(n)
        ]
        places += [
            (f"output {n}", o) for n, o in outputs.items() if self._holds(o.get("Condition"))
        ]
        for name, value in places:
            self._problems = []
            self.resolve(value)
            problems += [f"{name}: {problem}" for problem in self._problems]
        for name, resource in self._resources.items():
            missing = [
                d for d in _listed(resource.get("DependsOn", [])) if d not in self._resources
            ]
            problems += [f"{name}: depends on {other}, which is not there" for other in missing]
        return problems

    def is_created(self, name: str) -> bool:
        """Return whether there is such a resource, and its condition holds."""
        resource = self._resources.get(name)
        return resource is not None and self._holds(resource.get("Condition"))

    def attribute(self, name: str, attribute: str) -> str:
        """Return an attribute of a resource."""
        kind = self._resources[name]["Type"]
        return f"{name}.{attribute}" if attribute != "Arn" else f"arn:aws:{kind}:{name}"

    def logical_id(self, reference: str) -> str:
        """Read the logical id from a resolved reference to a resource or to its ARN."""
        return reference.rpartition(":")[2]

    def execute_api_arn(self, api: str, method: str, path: str) -> str:
        """Return a route's ARN as HTTP APIs name it to Lambda; any method is `*`."""
        place = f"{_PSEUDO['AWS::Region']}:{_PSEUDO['AWS::AccountId']}"
        verb = "*" if method == "ANY" else method
        return f"arn:aws:execute-api:{place}:{api}/$default/{verb}/{path.lstrip('/')}"

    def resolve(self, value: Any) -> Any:
        """Resolve whatever stands in a template."""
        if isinstance(value, list):
            listed = [self.resolve(part) for part in value]
            return [part for part in listed if part is not _NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(function, argument)] = value.items()
            if function == "Ref" or function.startswith("Fn::"):
                return self._call(function, argument)
        parts = {name: self.resolve(part) for name, part in value.items()}
        return {name: part for name, part in parts.items() if part is not _NOTHING}

    def _call(self, function: str, argument: Any) -> Any:
        if function == "Ref":
            return self._ref(argument)
        if function == "Fn::GetAtt":
            name, _, attribute = (
                argument.partition(".")
                if isinstance(argument, str)
                else (argument[0], "", argument[1])
            )
            return self._attribute(name, attribute)
        if function == "Fn::Sub":
            return self._sub(argument)
        if function == "Fn::If":
            return self.resolve(argument[1] if self._holds(argument[0]) else argument[2])
        if function == "Fn::Join":
            return argument[0].join(str(part) for part in self.resolve(argument[1]))
        self._problems.append(f"{function} is not understood on this machine")
        return ""

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NOTHING
        if name in _PSEUDO:
            return _PSEUDO[name]
        if name in self._values:
            kind = self.document["Parameters"][name]["Type"]
            value = self._values[name]
            return [part.strip() for part in value.split(",")] if "List" in kind else value
        if not self.is_created(name):
            self._problems.append(f"refers to {name}, which is not there")
        elif self._resources[name]["Type"] == "AWS::Lambda::LayerVersion":
            return f"arn:aws:lambda:us-east-1:123456789012:layer:{name}:1"
        return name

    def _attribute(self, name: str, attribute: str) -> str:
        if not self.is_created(name):
            self._problems.append(f"refers to {name}.{attribute}, which is not there")
            return ""
        return self.attribute(name, attribute)

    def _sub(self, argument: Any) -> str:
        text, own = (argument, {}) if isinstance(argument, str) else argument

        def fill(found: re.Match[str]) -> str:
            name = found[1].strip()
            if name in own:
                return str(self.resolve(own[name]))
            if "." in name:
                return self._attribute(*name.split(".", 1))
            return str(self._ref(name))

        return _PLACE.sub(fill, text)

    def _holds(self, condition: Any) -> bool:
        if condition is None:
            return True
        if isinstance(condition, str):
            return self._holds(self.document["Conditions"][condition])
        [(function, argument)] = condition.items()
        if function == "Condition":
            return self._holds(argument)
        if function == "Fn::Equals":
            left, right = (str(self.resolve(side)) for side in argument)
            return left == right
        found = [self._holds(one) for one in argument]
        return {"Fn::Not": not found[0], "Fn::And": all(found), "Fn::Or": any(found)}[function]


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
