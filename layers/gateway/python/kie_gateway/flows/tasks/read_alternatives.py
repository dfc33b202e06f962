"""Read what a caller asks for, and its fallback, as the models take it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from kie_gateway.core.errors.caller_errors import (
    FieldFault,
    InvalidRequestError,
    ModelRetiredError,
)
from kie_gateway.core.groups.task_spec import TaskSpec


@dataclass(frozen=True)
class WantedModel:
    """
    A model, and what it shall make.

    Attributes:
        is_retired: Whether Kie.ai is known not to offer it any more; its input is as it was sent.
    """

    model: str
    input: Mapping[str, Any]
    is_retired: bool = False


class ReadInput(Protocol):
    """Reads a caller's input as the model takes it."""

    def __call__(
        self,
        model_id: str,
        given: Mapping[str, Any],
        *,
        checked: bool,
        examples: Sequence[str] = (),
    ) -> Mapping[str, Any]:
        """
        Return the input to send. Raises InvalidRequestError, ModelRetiredError.

        Args:
            examples: JSON pointers to values of which only the type counts.
        """


def read_alternatives(
    spec: TaskSpec, read_input: ReadInput, examples: Sequence[str] = ()
) -> tuple[WantedModel, ...]:
    """
    Read the model that is asked for and those that are tried after it.

    Args:
        examples: JSON pointers into the request, to values of which only the type counts.

    Returns:
        All of them in order. Retired models are among them, but they are not all retired.

    Raises:
        InvalidRequestError: Naming every fault, by pointers into the whole request.
    """
    model, given, fallback = spec.model, spec.input, spec.fallback
    asked = [
        (model, given),
        *((one.model, given if one.input is None else one.input) for one in fallback),
    ]
    found, faults, retired = list[WantedModel](), list[FieldFault](), list[FieldFault]()
    for place, (name, raw) in zip(places(len(asked)), asked, strict=True):
        try:
            with placed(place):
                own = () if raw is given else _below(place, examples)
                read = read_input(
                    name, raw, checked=spec.checked, examples=own or _below("", examples)
                )
                wanted = WantedModel(name, read)
        except ModelRetiredError as error:
            retired += error.faults
            wanted = WantedModel(name, raw, is_retired=True)
        except InvalidRequestError as error:
            faults += error.faults or [FieldFault(f"{place}/input", str(error))]
            continue
        if wanted in found:
            detail = "the same model with the same input is tried before"
            faults.append(FieldFault(place, detail))
        found.append(wanted)
    if len(retired) == len(asked):
        words = "the models are retired" if fallback else "the model is retired"
        raise InvalidRequestError(words, retired)
    if faults:
        words = (
            "the request does not fit its models" if fallback else f"the input does not fit {model}"
        )
        raise InvalidRequestError(words, faults)
    return tuple(found)


def places(how_many: int) -> list[str]:
    """Return where in a request each model stands, the first at its top."""
    return ["", *(f"/fallback/{index}" for index in range(how_many - 1))]


@contextmanager
def placed(place: str) -> Iterator[None]:
    """Let faults of an input name the place of its model in the request."""
    try:
        yield
    except InvalidRequestError as error:
        error.faults = tuple(
            FieldFault(f"{place}{fault.pointer}", fault.detail) for fault in error.faults
        )
        raise


def _below(place: str, pointers: Sequence[str]) -> tuple[str, ...]:
    """Return pointers into a model's part of a request, as seen from there."""
    start = f"{place}/input"
    return tuple(one.removeprefix(place) for one in pointers if one.startswith(start))


def checked_in_turn(
    inputs: Sequence[Mapping[str, Any]], check: Callable[[Mapping[str, Any]], None]
) -> None:
    """
    Look at the input of each model, those that are the same once.

    Raises:
        InvalidRequestError: Of the first input with faults.
    """
    seen = list[Mapping[str, Any]]()
    for place, one in zip(places(len(inputs)), inputs, strict=True):
        if one not in seen:
            with placed(place):
                check(one)
            seen.append(one)
