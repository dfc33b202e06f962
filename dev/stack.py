"""The stack: template.yaml translated as SAM does it, and created in moto's CloudFormation."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.cloudformation.parsing import get_model_map

from dev import template_rules, translation
from dev.functions import FunctionSpec
from dev.mappings import MAPPING, queue_sources, stream_sources, wanted_outputs
from dev.references import References
from dev.seams import switch_interpreter
from sam_template.template import fill

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from dev.mappings import QueueSource, StreamSource
    from dev.template_rules import Permissions
    from sam_template.template import Document, Template

STACK_NAME = "kie-gateway"
# Ours are queues.py and streams.py: moto's runs functions inside SendMessage and never redelivers.
_OURS = frozenset((MAPPING,))
# Nothing here reads them.
_UNUSED = frozenset(("AWS::Lambda::Permission", "AWS::Lambda::LayerVersion"))


@dataclass(frozen=True)
class Stack:
    """
    What was created.

    Attributes:
        resources: Physical ids by logical id.
        kinds: Types by logical id.
        sources: The queues that feed functions.
        streams: The streams of tables that do.
        expiring: The attribute of a table that holds an item's last moment, by physical name.
        machines: ARNs of the state machines, by logical id.
        managed_policies: ARNs of AWS's own policies that roles have, by the roles' names.
        permissions: Who may invoke which function.
        roles: ARNs of the roles that functions and machines act under, by their logical ids.

    """

    resources: dict[str, str]
    kinds: dict[str, str]
    functions: dict[str, FunctionSpec]
    sources: list[QueueSource]
    streams: list[StreamSource]
    expiring: dict[str, str]
    machines: dict[str, str]
    roles: dict[str, str]
    managed_policies: dict[str, list[str]]
    permissions: Permissions

    def physical(self, kind: str) -> dict[str, str]:
        """Map physical to logical ids of one type."""
        return _physical(self.resources, self.kinds, kind)


def _physical(resources: dict[str, str], kinds: dict[str, str], kind: str) -> dict[str, str]:
    return {physical: name for name, physical in resources.items() if kinds[name] == kind}


def create(template: Template, values: dict[str, str], client: Callable[[str], Any]) -> Stack:
    """
    Create everything the template describes, as far as moto can.

    Args:
        template: What to create.
        values: The value of every parameter.
        client: Makes a boto3 client for a service.

    """
    document = translate(template, values)
    template_rules.check(document, values)
    permissions = template_rules.Permissions(document, values)
    references = References(document, values)
    mappings = references.of_type(MAPPING)
    wanted = _outputs(document, mappings.keys())
    resources, outputs = _deploy(creatable(document, wanted), values, client("cloudformation"))
    kinds = {name: document["Resources"][name]["Type"] for name in resources}
    for name, rules in template.bucket_cors(values).items():
        # moto's CloudFormation makes buckets without.
        client("s3").put_bucket_cors(Bucket=resources[name], CORSConfiguration={"CORSRules": rules})
    roles = _roles(resources, kinds, client)
    return Stack(
        resources=resources,
        kinds=kinds,
        functions=_functions(template, resources, kinds, client("lambda")),
        sources=queue_sources(mappings, outputs, _physical(resources, kinds, "AWS::SQS::Queue")),
        streams=stream_sources(mappings, outputs),
        expiring=_expiring(references, resources),
        machines=_machines(template, document, resources, outputs, client("stepfunctions")),
        roles=roles,
        managed_policies=_managed_policies(document, values, resources),
        permissions=permissions,
    )


def translate(template: Template, values: dict[str, str]) -> Document:
    """Let SAM's own translator expand the template; no code is packaged, so places are made up."""
    document = copy.deepcopy(template.document)
    for resource in document["Resources"].values():
        properties = resource.get("Properties", {})
        for name in ("CodeUri", "ContentUri", "DefinitionUri"):
            if name in properties:
                properties[name] = "s3://local/nothing"
        properties.pop("Definition", None) and properties.update(DefinitionUri="s3://local/nothing")
    lists = {n: values[n] for n, one in template.parameters.items() if "List" in one["Type"]}
    # SAM puts lists into the API's CORS settings itself, where a template refers to one there;
    # everything else stays a reference, which CloudFormation resolves, so that one translation
    # serves whatever the values are.
    return translation.translate(document, lists)


def _of_type(document: Document, kind: str) -> dict[str, Document]:
    resources = document["Resources"].items()
    return {name: r["Properties"] for name, r in resources if r["Type"] == kind}


def _outputs(document: Document, mappings: Collection[str]) -> Document:
    """Return the values we need resolved; moto's CloudFormation resolves them as outputs."""
    written = _of_type(document, MAPPING)
    wanted = wanted_outputs({name: written[name] for name in mappings})
    for name, machine in _of_type(document, "AWS::StepFunctions::StateMachine").items():
        for key, value in machine.get("DefinitionSubstitutions", {}).items():
            wanted[f"{name}Sub{key}"] = value
    return {name: {"Value": value} for name, value in wanted.items()}


def creatable(document: Document, outputs: Document) -> Document:
    """Leave out what moto's CloudFormation lacks, what is ours, and the code."""
    known = set(get_model_map()) - _OURS - _UNUSED
    resources = {n: r for n, r in document["Resources"].items() if r["Type"] in known}
    for resource in resources.values():
        if resource["Type"] == "AWS::Lambda::Function":
            resource["Properties"]["Code"] = {"ZipFile": "# runs from its folder"}
            resource["Properties"].pop("Layers", None)
    own = {
        name: {"Value": output["Value"]}
        for name, output in document.get("Outputs", {}).items()
        if _names_one_of(resources, output["Value"])
    }
    return {**document, "Resources": resources, "Outputs": {**own, **outputs}}


def _names_one_of(resources: Document, value: Any) -> bool:
    """Return whether an output is the name of a resource, as operators' commands read it."""
    return isinstance(value, dict) and value.keys() == {"Ref"} and value["Ref"] in resources


def _deploy(
    document: Document, values: dict[str, str], cloudformation: Any
) -> tuple[dict[str, str], dict[str, str]]:
    given = [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()]
    cloudformation.create_stack(
        StackName=STACK_NAME, TemplateBody=json.dumps(document), Parameters=given
    )
    [stack] = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"]
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=STACK_NAME)
    resources = {
        summary["LogicalResourceId"]: summary["PhysicalResourceId"]
        for page in pages
        for summary in page["StackResourceSummaries"]
        # moto lists resources whose condition is false without a name.
        if summary["LogicalResourceId"]
    }
    return resources, {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}


def _functions(
    template: Template, resources: dict[str, str], kinds: dict[str, str], client: Any
) -> dict[str, FunctionSpec]:
    names = [name for name, kind in kinds.items() if kind == "AWS::Lambda::Function"]
    return {name: _function(template, name, resources[name], client) for name in names}


def _function(template: Template, logical_id: str, name: str, client: Any) -> FunctionSpec:
    found = client.get_function_configuration(FunctionName=name)
    variables = found.get("Environment", {}).get("Variables", {})
    return FunctionSpec(
        logical_id=logical_id,
        name=name,
        arn=found["FunctionArn"],
        handler=found["Handler"],
        code_folder=template.code_folder(logical_id),
        import_folders=tuple(template.import_folders(logical_id)),
        timeout_seconds=float(found["Timeout"]),
        memory_mb=int(found["MemorySize"]),
        environment={key: str(value) for key, value in variables.items()},
    )


def _roles(
    resources: dict[str, str], kinds: dict[str, str], client: Callable[[str], Any]
) -> dict[str, str]:
    lambdas, machines, found = client("lambda"), client("stepfunctions"), {}
    for name, kind in kinds.items():
        if kind == "AWS::Lambda::Function":
            found[name] = lambdas.get_function_configuration(FunctionName=resources[name])["Role"]
        elif kind == "AWS::StepFunctions::StateMachine":
            described = machines.describe_state_machine(stateMachineArn=resources[name])
            found[name] = described["roleArn"]
    return found


def _managed_policies(
    document: Document, values: dict[str, str], resources: dict[str, str]
) -> dict[str, list[str]]:
    """Read what moto's CloudFormation does not attach."""
    roles = References(document, values).of_type("AWS::IAM::Role").items()
    return {
        resources[name]: list(properties.get("ManagedPolicyArns", []))
        for name, properties in roles
        if name in resources
    }


def _expiring(references: References, resources: dict[str, str]) -> dict[str, str]:
    """Read what moto's CloudFormation leaves out of tables."""
    tables = references.of_type("AWS::DynamoDB::Table").items()
    living = {name: table.get("TimeToLiveSpecification", {}) for name, table in tables}
    return {
        resources[name]: str(one["AttributeName"])
        for name, one in living.items()
        if name in resources and str(one.get("Enabled", False)).lower() == "true"
    }


def _machines(
    template: Template,
    document: Document,
    resources: dict[str, str],
    outputs: dict[str, str],
    client: Any,
) -> dict[str, str]:
    """
    Create the state machines again, for the interpreter, under the ARNs they already have.

    moto keeps the interpreter's machines apart from those that CloudFormation creates.
    """
    machines = _of_type(document, "AWS::StepFunctions::StateMachine")
    made = {
        name: client.describe_state_machine(stateMachineArn=resources[name]) for name in machines
    }
    switch_interpreter(on=True)
    for name, properties in machines.items():
        names = properties.get("DefinitionSubstitutions", {})
        values = {key: outputs[f"{name}Sub{key}"] for key in names}
        client.create_state_machine(
            name=made[name]["name"],
            definition=fill(template.machine_definition(name), values),
            roleArn=made[name]["roleArn"],
        )
    return {name: resources[name] for name in machines}
