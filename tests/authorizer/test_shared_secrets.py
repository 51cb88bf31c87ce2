"""HS256 with a secret that is named, never written down: in Secrets Manager or in the SSM parameter store."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from iot_authorizer import Reason, shared_secret
from tests.authorizer.events import bearer
from tests.authorizer.handlers import Running, jwt_table, start
from tests.authorizer.keys import ASYMMETRIC, SECRET, SigningKey, hmac_key, signing_key
from tests.authorizer.tokens import mint
from tests.local_aws import local_aws, made_up_credentials

Store = Callable[[str, str | bytes], str]


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """The URL of a local AWS."""
    with local_aws() as url:
        yield url


@pytest.fixture(autouse=True)
def _environment(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made_up_credentials(monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws)
    monkeypatch.setattr(shared_secret, "CLIENT_CONFIG", Config(connect_timeout=60, read_timeout=60))


def _in_secrets_manager(name: str, secret: str | bytes) -> str:
    client = boto3.client("secretsmanager")
    if isinstance(secret, bytes):
        return client.create_secret(Name=name, SecretBinary=secret)["ARN"]
    return client.create_secret(Name=name, SecretString=secret)["ARN"]


def _in_parameter_store(name: str, secret: str | bytes) -> str:
    text = secret.decode() if isinstance(secret, bytes) else secret
    client = boto3.client("ssm")
    client.put_parameter(Name=name, Value=text, Type="SecureString")
    return client.get_parameter(Name=name)["Parameter"]["ARN"]


STORES: dict[str, Store] = {"secretsmanager": _in_secrets_manager, "ssm": _in_parameter_store}
services = pytest.mark.parametrize("service", STORES)


@pytest.fixture
def shared(tmp_path: Path) -> Callable[..., Running]:
    """Starts an authorizer with a secret that is stored first."""

    def with_secret(service: str, secret: str | bytes = SECRET, *, by_arn: bool = False) -> Running:
        name = f"/chat/{uuid4().hex}"
        arn = STORES[service](name, secret)
        return named(tmp_path, f"{service}:{arn if by_arn else name}")

    return with_secret


def named(folder: Path, secret: str) -> Running:
    return start(folder, jwt_table(algorithms=["HS256"], jwks=None, secret=secret))


@services
@pytest.mark.parametrize("by_arn", [False, True])
def test_a_token_signed_with_the_secret_that_its_name_or_its_arn_names_is_allowed(
    shared: Callable[..., Running], service: str, by_arn: bool
) -> None:
    assert shared(service, by_arn=by_arn).verdict(bearer(mint(hmac_key()))) == "allowed"


def test_a_secret_may_be_any_bytes(shared: Callable[..., Running]) -> None:
    secret = bytes(range(200, 256))
    assert shared("secretsmanager", secret).verdict(bearer(mint(hmac_key(secret)))) == "allowed"


@services
def test_a_token_signed_with_another_secret_is_refused(shared: Callable[..., Running], service: str) -> None:
    assert shared(service).verdict(bearer(mint(hmac_key(SECRET[::-1])))) == Reason.BAD_SIGNATURE


@services
def test_a_secret_shorter_than_the_hash_is_refused(shared: Callable[..., Running], service: str) -> None:
    assert shared(service, SECRET[:31]).verdict(bearer(mint(hmac_key(SECRET[:31])))) == Reason.WEAK_KEY


def test_a_public_key_is_not_a_secret(shared: Callable[..., Running]) -> None:
    """Whoever has it could sign tokens."""
    public = signing_key("RS256").private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    line = shared("ssm", public)(bearer(mint(hmac_key(public)))).decision
    assert (line["reason"], line["detail"].partition(",")[0]) == (Reason.KEYS_UNAVAILABLE, "found PEM")


@pytest.mark.parametrize(
    ("service", "error"), [("secretsmanager", "ResourceNotFoundException"), ("ssm", "ParameterNotFound")]
)
def test_a_secret_that_is_not_there_is_refused_with_the_error_of_aws(tmp_path: Path, service: str, error: str) -> None:
    line = named(tmp_path, f"{service}:none")(bearer(mint(hmac_key()))).decision
    assert (line["reason"], line["detail"]) == (Reason.KEYS_UNAVAILABLE, error)


def test_a_region_that_is_not_known_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert named(tmp_path, "ssm:none").verdict(bearer(mint(hmac_key()))) == Reason.KEYS_UNAVAILABLE


def test_a_secret_is_fetched_once(shared: Callable[..., Running]) -> None:
    running = shared("ssm")
    counted = [running(bearer(mint(hmac_key()))).counted for _ in range(2)]
    assert counted == [{"ColdStart", "KeysFetched", "Allowed"}, {"Allowed"}]


OTHERS = [hmac_key(SECRET * 2, "HS384"), hmac_key(SECRET * 2, "HS512"), *map(signing_key, ASYMMETRIC)]


@pytest.mark.parametrize("key", OTHERS, ids=lambda key: key.algorithm)
def test_other_hashes_and_signatures_with_a_private_key_are_not_allowed(
    shared: Callable[..., Running], key: SigningKey
) -> None:
    assert shared("ssm", SECRET * 2).verdict(bearer(mint(key))) == Reason.ALGORITHM_NOT_ALLOWED


def test_the_key_id_does_not_matter_if_there_is_only_one_key(shared: Callable[..., Running]) -> None:
    key = SigningKey("anything", "HS256", SECRET)
    assert shared("ssm").verdict(bearer(mint(key))) == "allowed"


@services
def test_a_shared_secret_is_not_logged(shared: Callable[..., Running], service: str, every_level: None) -> None:
    outcome = shared(service)(bearer(mint(hmac_key())))
    assert SECRET.decode() not in outcome.output
