"""The deployed stack: where its table, bucket and machine are."""

import boto3


def stack_outputs(stack: str) -> dict[str, str]:
    """Read a stack's outputs by name."""
    found = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}


def stack_parameters(stack: str) -> dict[str, str]:
    """Read a stack's parameters by name; secret ones come masked."""
    found = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", [])}


def stack_resource(stack: str, name: str) -> str:
    """Find a resource of a stack by its logical id; returns its physical one."""
    found = boto3.client("cloudformation").describe_stack_resource(
        StackName=stack, LogicalResourceId=name
    )
    return str(found["StackResourceDetail"]["PhysicalResourceId"])
