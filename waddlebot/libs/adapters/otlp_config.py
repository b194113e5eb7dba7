"""What an operator sets about traces. Imports nothing of OpenTelemetry, so that every host can show it."""

import dataclasses
from typing import Annotated
from urllib.parse import unquote

from waddlebot.libs.sdk.fields import Field


@dataclasses.dataclass(frozen=True, slots=True)
class OtlpConfig:
    """Read it with ``from_environment(OtlpConfig, "otel")``. The variables are OpenTelemetry's own
    (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
    """

    endpoint: Annotated[
        str,
        Field(
            "Where traces of commands are sent by OTLP over HTTP, such as http://collector:4318; empty for none. "
            "Needs the extra otel.",
            env="OTEL_EXPORTER_OTLP_ENDPOINT",
        ),
    ] = ""
    headers: Annotated[
        str,
        Field(
            "What is shown there: NAME=VALUE, separated by commas, percent-encoded.",
            env="OTEL_EXPORTER_OTLP_HEADERS",
            secret=True,
        ),
    ] = ""
    service_name: Annotated[str, Field("What the bot is called in traces.", env="OTEL_SERVICE_NAME")] = "waddlebot"
    ratio: Annotated[
        float,
        Field(
            "Which part of all traces is sent; the same ones by every host.",
            at_least=0,
            at_most=1,
            env="OTEL_TRACES_SAMPLER_ARG",
        ),
    ] = 1.0

    @property
    def header_pairs(self) -> dict[str, str]:
        """The headers by name."""
        pairs = (pair.partition("=") for pair in self.headers.split(",") if "=" in pair)
        return {name.strip(): unquote(value.strip()) for name, _, value in pairs}
