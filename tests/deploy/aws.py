"""An AWS account on a loopback port: moto, and what SAM needs to find before it."""

import io
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import boto3
from moto.dynamodb.models import dynamodb_backends

from dev import dynamodb_rules, seams
from dev.dials import Dials
from dev.gate import Gate
from dev.moto_server import Environ, MotoServer, StartResponse
from dev.s3_credentials import Secret
from tests.deploy.cloudformation import CloudFormation, RefusedError

REGION = "eu-central-1"
_ERROR = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{words}</Message></Error>"
    "<RequestId>1</RequestId></ErrorResponse>"
)


class Account(MotoServer):
    """
    One account, empty at first.

    Attributes:
        bodies: What was sent, by service and action; Secrets Manager's only as far as it tells.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(_no_functions, {"test": Secret("test")}.get, folder)
        tables = dynamodb_backends[seams.ACCOUNT][REGION].tables
        law = dynamodb_rules.govern(Dials())
        self.gate = Gate(f"{REGION}:{seams.ACCOUNT}", law, lambda: tables)
        self.cloudformation = CloudFormation(REGION)
        self.bodies: list[bytes] = []

    @property
    def environment(self) -> dict[str, str]:
        """Name the account to a command; nothing of the machine's own AWS settings is seen."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
        }

    def client(self, service: str) -> Any:
        """Look into the account."""
        made: Any = boto3.client(
            service,  # type: ignore[call-overload]  # any of them
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        return made

    def kie_keys(self, secret: str = "kie-gateway/kie") -> Any:
        """Read the keys that the gateway would read."""
        found = self.client("secretsmanager").get_secret_value(SecretId=secret)
        return json.loads(found["SecretString"])

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        body = _read(environ)
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if not target.startswith("secretsmanager."):
            self.bodies.append(body)
        if dict(parse_qsl(body.decode(errors="replace"))).get("Version") != "2010-05-15":
            return super().__call__(environ, start_response)
        try:
            body = self.cloudformation.before(body)
        except RefusedError as refused:
            text = _ERROR.format(code=refused.code, words=escape(str(refused))).encode()
            start_response("400 Bad Request", [("Content-Type", "text/xml")])
            return [text]
        _put_back(environ, body)
        answer = list(super().__call__(environ, start_response))
        self.cloudformation.after(body)
        return answer


def new_account(folder: Path) -> Account:
    """
    Make an account, with everything that moto is taught for the local cloud.

    Args:
        folder: Where its certificate is put.

    """
    seams.install()
    seams.generate_secrets_with(lambda _, length: "g" * length)
    return Account(folder)


def _no_functions(name: str, _: bytes) -> Any:
    raise KeyError(name)


def _read(environ: Environ) -> bytes:
    stream = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        body: bytes = stream.read()
    else:
        body = stream.read(int(environ.get("CONTENT_LENGTH") or 0))
    _put_back(environ, body)
    return body


def _put_back(environ: Environ, body: bytes) -> None:
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    environ.pop("HTTP_TRANSFER_ENCODING", None)
