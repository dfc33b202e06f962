"""The examples in the API's document are true: a run gives them again."""

from kie_gateway.web.examples import examples
from tests.functional.examples import record
from tests.functional.world import World


def test_a_run_gives_the_examples_again(world: World) -> None:
    recorded, kept = record(world), examples()
    for operation, example in recorded.items():
        assert example == kept[operation], (
            f"{operation}: run `python -m tests.functional.examples` and `make openapi`"
        )
    assert recorded.keys() == kept.keys()
