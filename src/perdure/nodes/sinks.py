"""Ways to reach somebody: webhook, MQTT, e-mail, a command, a file."""

from __future__ import annotations

import hashlib
import hmac
import json
import smtplib
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

from perdure.config import NotifyConfig
from perdure.errors import ConfigError

_TIMEOUT_S: Final = 10.0
Content = Mapping[str, object]
"""What is told, as JSON."""


class DeliveryError(Exception):
    """It did not arrive; says why, without secrets. It is tried again."""


@dataclass(frozen=True, slots=True)
class Notification:
    """One thing to tell."""

    id: str
    """The same for every try: whoever gets it twice can tell."""
    at: float
    title: str
    content: Content
    picture: Path | None
    """A JPEG that may be gone by now."""

    def body(self) -> bytes:
        """The content as JSON; the same bytes for every try, so that a signature holds."""
        return json.dumps(self.content, sort_keys=True, separators=(",", ":")).encode()


class Channel(Protocol):
    """A way to reach somebody."""

    def deliver(self, told: Notification) -> None:
        """Returns when it has arrived.

        Raises:
            DeliveryError: it has not.
        """


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 over ``<timestamp>.<body>`` as hex: only who knows the secret can have sent it, and not long ago."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Webhook:
    """POST of JSON, signed."""

    url: str
    secret: str

    def deliver(self, told: Notification) -> None:
        """See ``Channel``; any answer but 2xx is a failure."""
        body, timestamp = told.body(), str(int(told.at))
        headers = {
            "Content-Type": "application/json",
            "X-Perdure-Delivery": told.id,
            "X-Perdure-Timestamp": timestamp,
        }
        if self.secret:
            headers["X-Perdure-Signature"] = f"sha256={signature(self.secret, timestamp, body)}"
        request = urllib.request.Request(self.url, body, headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
                answer.read(1024)
        except urllib.error.HTTPError as error:
            raise DeliveryError(f"answered {error.code} {error.reason}") from error
        except (OSError, ValueError) as error:
            raise DeliveryError(str(getattr(error, "reason", error))) from error


@dataclass(frozen=True, slots=True)
class Mqtt:
    """Publish to a broker, at least once (QoS 1)."""

    url: str
    topic: str

    def deliver(self, told: Notification) -> None:
        """See ``Channel``."""
        from paho.mqtt import MQTTException, publish
        from paho.mqtt.enums import MQTTProtocolVersion

        parts = urlsplit(self.url)
        secure = parts.scheme == "mqtts"
        try:
            publish.single(
                self.topic,
                told.body(),
                qos=1,
                hostname=parts.hostname or "",
                port=parts.port or (8883 if secure else 1883),
                keepalive=10,
                auth={"username": unquote(parts.username), "password": unquote(parts.password or "")}
                if parts.username
                else None,
                tls={"ca_certs": None} if secure else None,  # type: ignore[arg-type] # None: the system's
                protocol=MQTTProtocolVersion.MQTTv311,
            )
        except (OSError, MQTTException, ValueError) as error:
            raise DeliveryError(str(error)) from error


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail with the picture."""

    url: str
    sender: str
    to: tuple[str, ...]

    def deliver(self, told: Notification) -> None:
        """See ``Channel``."""
        parts = urlsplit(self.url)
        message = EmailMessage()
        message["Subject"], message["From"], message["To"] = told.title, self.sender, ", ".join(self.to)
        message["Message-ID"] = f"<{hashlib.sha256(told.id.encode()).hexdigest()[:32]}@perdure>"
        message.set_content(json.dumps(told.content, indent=1))
        if told.picture is not None and told.picture.is_file():
            message.add_attachment(told.picture.read_bytes(), maintype="image", subtype="jpeg", filename="person.jpg")
        try:
            with self._connected(parts.scheme, parts.hostname or "", parts.port) as server:
                if parts.username:
                    server.login(unquote(parts.username), unquote(parts.password or ""))
                server.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryError(str(error)) from error

    def _connected(self, scheme: str, host: str, port: int | None) -> smtplib.SMTP:
        if scheme == "smtps":
            return smtplib.SMTP_SSL(host, port or 465, timeout=_TIMEOUT_S, context=ssl.create_default_context())
        server = smtplib.SMTP(host, port or 587, timeout=_TIMEOUT_S)
        if server.ehlo()[0] == 250 and server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
        return server


@dataclass(frozen=True, slots=True)
class Command:
    """A program that gets the JSON on its standard input; no shell."""

    words: tuple[str, ...]

    def deliver(self, told: Notification) -> None:
        """See ``Channel``; an exit code but 0 is a failure."""
        try:
            done = subprocess.run(self.words, input=told.body(), capture_output=True, timeout=_TIMEOUT_S, check=False)
        except (OSError, subprocess.SubprocessError) as error:
            raise DeliveryError(f"{self.words[0]}: {error}") from error
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()[-200:]
            raise DeliveryError(f"{self.words[0]} ended with {done.returncode}: {said}")


@dataclass(frozen=True, slots=True)
class File:
    """A line of JSON each at the end of a file."""

    path: Path

    def deliver(self, told: Notification) -> None:
        """See ``Channel``."""
        try:
            with self.path.open("ab") as opened:
                opened.write(told.body() + b"\n")
        except OSError as error:
            raise DeliveryError(f"{self.path}: {error.strerror}") from error


def channel_of(name: str, config: NotifyConfig) -> Channel:
    """The way that a configuration asks for.

    Raises:
        ConfigError: none or several, or an address that cannot work.
    """
    given = [key for key in ("webhook", "mqtt", "mail", "command", "file") if getattr(config, key)]
    if len(given) != 1:
        raise ConfigError(f"notify.{name}: give one of webhook, mqtt, mail, command or file (given: {len(given)})")
    if config.webhook:
        return Webhook(_address(name, "webhook", config.webhook, ("http", "https")), config.secret)
    if config.mqtt:
        return Mqtt(_address(name, "mqtt", config.mqtt, ("mqtt", "mqtts")), config.topic)
    if config.mail:
        if not config.to:
            raise ConfigError(f"notify.{name}.to: who gets the e-mail?")
        return Mail(_address(name, "mail", config.mail, ("smtp", "smtps")), config.sender or config.to[0], config.to)
    return Command(config.command) if config.command else File(Path(config.file))


def _address(name: str, key: str, url: str, schemes: tuple[str, ...]) -> str:
    try:
        parts = urlsplit(url)
        right = parts.scheme in schemes and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        right = False
    if not right:
        raise ConfigError(f"notify.{name}.{key}: expected {' or '.join(f'{s}://HOST' for s in schemes)}")
    return url
