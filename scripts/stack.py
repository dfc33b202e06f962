"""The deployed stack: where its table, bucket and machine are."""

import boto3


def stack_outputs(stack: str) -> dict[str, str]:
    """Read a stack's outputs by name."""
    found = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}
