from __future__ import annotations

import pytest

from voxint.server.injected import injected


def kubernetes(prefix: str, *, host: str = "10.0.0.1", port: int = 80, protocol: str = "tcp") -> dict[str, str]:
    """What a pod finds of a Service: `prefix` is its name in capitals, with underscores."""
    address = f"{protocol}://{f'[{host}]' if ':' in host else host}:{port}"
    one = f"{prefix}_PORT_{port}_{protocol.upper()}"
    return {
        f"{prefix}_SERVICE_HOST": host,
        f"{prefix}_SERVICE_PORT": str(port),
        f"{prefix}_SERVICE_PORT_HTTP": str(port),
        f"{prefix}_PORT": address,
        one: address,
        f"{one}_PROTO": protocol,
        f"{one}_PORT": str(port),
        f"{one}_ADDR": host,
    }


def docker(prefix: str) -> dict[str, str]:
    """What a container finds of a link."""
    return {
        f"{prefix}_NAME": "/voxint/tts",
        f"{prefix}_PORT": "tcp://172.17.0.5:5000",
        f"{prefix}_PORT_5000_TCP": "tcp://172.17.0.5:5000",
        f"{prefix}_PORT_5000_TCP_ADDR": "172.17.0.5",
        f"{prefix}_PORT_5000_TCP_PORT": "5000",
        f"{prefix}_PORT_5000_TCP_PROTO": "tcp",
        f"{prefix}_PORT_5000_TCP_START": "tcp://172.17.0.5:5000",
        f"{prefix}_PORT_5000_TCP_PORT_END": "5009",
        f"{prefix}_ENV_PATH": "/usr/bin",
    }


@pytest.mark.parametrize("environ", [
    *(kubernetes(name) for name in ("VOXINT", "VOXINT_LLM", "VOXINT_TTS", "VOXINT_STT", "VOXINT_AGENT")),
    kubernetes("VOXINT_LLM_PROXY", port=443),
    kubernetes("VOXINT", host="fd00::10"),
    kubernetes("VOXINT_STT", protocol="udp"),
    kubernetes("VOXINT_STT", protocol="sctp"),
    kubernetes("VOXINT") | kubernetes("VOXINT_TTS"),
    docker("VOXINT_TTS"),
])  # fmt: skip
def test_what_a_service_brings_is_known(environ: dict[str, str]) -> None:
    """Every variable of it, and nothing beside it."""
    settings = {"VOXINT_HOST": "0.0.0.0", "VOXINT_LLM_MODEL": "m", "VOXINT_TTS_RATE_WPM": "150", "HOME": "/root"}
    assert injected(environ | settings) == environ.keys()


@pytest.mark.parametrize("environ", [
    {"VOXINT_PORT": "http"},
    {"VOXINT_PORT": "9000"},
    {"VOXINT_PORT": "tcp://"},
    {"VOXINT_PORT": "tcp://localhost:80"},
    {"VOXINT_PORT": "http://10.0.0.1:80"},
    {"VOXINT_TTS_PORT": "5000", "VOXINT_TTS_SERVICE_HOST": "10.0.0.1"},
    {"VOXINT_LLM_BASE_URL": "tcp://10.0.0.1:80"},
    {"VOXINT_LLM_PORT_80_TCP": "udp://10.0.0.1:80"},
    {"VOXINT_LLM_PORT_80_TCP": "tcp://10.0.0.1:81"},
])  # fmt: skip
def test_what_an_operator_may_have_set_is_none_of_it(environ: dict[str, str]) -> None:
    """Without an address by number in its place there is no service."""
    assert injected(environ) == frozenset()


@pytest.mark.parametrize(("name", "value"), [
    ("VOXINT_TTS_VOICE", "en"),
    ("VOXINT_TTS_SERVICE_HOST", "speech.example.org"),
    ("VOXINT_TTS_SERVICE_PORT", "http"),
    ("VOXINT_TTS_NAME", "Anna"),
    ("VOXINT_TTS_PORT", "9000"),
    ("VOXINT_TTS_PORT_80_TCP_ADDR", "localhost"),
    ("VOXINT_TTS_PORT_80_TCP_PROTO", "http"),
    ("VOXINT_TTS_PORT_80_TCP_START", "80"),
    ("VOXINT_TTSX_SERVICE_HOST", "10.0.0.1"),
])  # fmt: skip
def test_beside_a_service_a_setting_is_still_one(name: str, value: str) -> None:
    """A name like the service's with another value, and a name unlike it."""
    assert name not in injected({**kubernetes("VOXINT_TTS"), name: value})
