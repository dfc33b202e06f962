"""What is left of the account at Kie.ai."""

from decimal import Decimal

from kie_gateway.core.credits.reservation import as_credits
from kie_gateway.kie import wire
from kie_gateway.kie.families.family import Call
from kie_gateway.kie.http import KieHttp
from kie_gateway.kie.reading import YES


class KieBalance:
    """
    The balance of the account at Kie.ai.

    Free to ask for. Kie's page shows a whole number, the live API gives fractions such as 5916.25.
    """

    def __init__(self, http: KieHttp) -> None:
        self._http = http

    def read(self) -> Decimal:
        """
        Ask for the balance, in credits.

        Raises:
            ProviderError: No balance came.
        """
        response = self._http.ask(Call("GET", "/api/v1/chat/credit"))
        body = wire.parse(self._http.body_of(response))
        self._http.refuse_unusable(response, body)
        balance = wire.number(body.get("data"))
        if wire.code_of(body) not in YES or balance is None:
            raise self._http.unusable(response, body)
        return as_credits(balance)
