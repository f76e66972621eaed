"""The messages that stand in a session from the start: no operation of the API adds any."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...replies import Reply


class Config(BaseModel):
    """What a fixture may say about where a message came from."""

    model_config = ConfigDict(strict=True, extra="forbid")

    message_type: str = "text"
    source: str | None = None


class Message(BaseModel):
    """A message of a fixture: a ChatMessage without metadata, of which each session has its own."""

    model_config = ConfigDict(strict=True, extra="forbid")

    role: Literal["system", "user", "assistant"]
    content: str
    source: str | None = None
    config: Config = Field(default_factory=Config)  # what is made anew need not be copied deeply


def check(reply: Reply) -> None:
    """Raise ValueError, naming the place, for a reply that no session could have."""
    for place, message in enumerate(reply.messages, 1):
        try:
            Message.model_validate(message)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            where = ".".join(map(str, ("messages", place, *first["loc"])))
            raise ValueError(f"{where}: {first['msg']}") from error
    for name, value in reply.fields.items():
        if not isinstance(value, str):
            raise ValueError(f"fields.{name}: a text was expected")


def seeded(name: str, reply: Reply) -> list[dict[str, Any]]:
    """Return the messages of a new session: its fixture's, or a short exchange about its name."""
    if not reply.messages:
        return [_shown("user", name), _shown("assistant", reply.answer)]
    return [_of_fixture(Message.model_validate(message)) for message in reply.messages]


def _of_fixture(message: Message) -> dict[str, Any]:
    source = message.source or message.config.source or message.role
    kind, of = message.config.message_type, message.config.source or source
    return _shown(message.role, message.content, source, kind, of)


def _shown(
    role: str, content: str, source: str = "", kind: str = "text", of: str = ""
) -> dict[str, Any]:
    return {
        "role": role,
        "content": content,
        "source": source or role,
        "config": {"message_type": kind, "source": of or source or role},
    }
