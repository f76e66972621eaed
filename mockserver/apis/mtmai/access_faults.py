"""Faults of authentication: who is let in that should not be, and the other way about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ...faults import fault
from ...model import Answer, Api, Call, Identity, Refusal
from . import Emulator, credentials
from .credentials import Credentials


@fault("mtmai.auth.nothing_needed", "authentication")
class NothingNeeded(Emulator):
    """A request without any credentials is let in."""

    def authenticate(self, call: Call, tenant: str) -> None:
        """Look at credentials only where there are some."""
        if not credentials.read(call.request.headers).is_empty():
            super().authenticate(call, tenant)


def _not_on(method: str) -> type[Api]:
    class NotOn(Emulator):
        def authenticate(self, call: Call, tenant: str) -> None:
            if call.request.method != method:
                super().authenticate(call, tenant)

    sentence = f"No {method} request needs credentials."
    return fault(f"mtmai.auth.not_on_{method.lower()}", "authentication", sentence)(NotOn)


NOT_ON: list[type[Api]] = [_not_on(method) for method in ("GET", "POST", "PUT")]


def _way(way: str, rule: str, sentence: str, says: Callable[[Credentials], bool]) -> type[Api]:
    class Way(Emulator):
        pass

    def accepts(self: Emulator, owner: Identity, brought: Credentials) -> bool:
        return says(brought)

    setattr(Way, f"accepts_{way}", accepts)
    return fault(f"mtmai.auth.{way}_{rule}", "authentication", sentence)(Way)


ACCEPTED: list[type[Api]] = [
    _way(
        "bearer", "unchecked", "Any bearer token is accepted.", lambda one: one.bearer is not None
    ),
    _way(
        "basic",
        "unchecked",
        "Any username and password are accepted.",
        lambda one: one.basic is not None,
    ),
    _way(
        "cookie", "unchecked", "Any value of the cookie is accepted.", lambda one: bool(one.cookies)
    ),
]

REFUSED: list[type[Api]] = [
    _way("bearer", "refused", "The right bearer token is refused.", lambda one: False),
    _way("basic", "refused", "The right username and password are refused.", lambda one: False),
    _way("cookie", "refused", "The right cookie is refused.", lambda one: False),
]


@fault("mtmai.auth.password_ignored", "authentication")
class PasswordIgnored(Emulator):
    """The right username is accepted with any password."""

    def accepts_basic(self, owner: Identity, brought: Credentials) -> bool:
        """Compare the username alone."""
        return brought.basic is not None and credentials.same(brought.basic[0], owner["username"])


@fault("mtmai.auth.token_case_ignored", "authentication")
class TokenCaseIgnored(Emulator):
    """The right bearer token is accepted in any case."""

    def accepts_bearer(self, owner: Identity, brought: Credentials) -> bool:
        """Compare in lower case."""
        return brought.bearer is not None and credentials.same(
            brought.bearer.lower(), owner["token"].lower()
        )


@fault("mtmai.auth.cut_cookie_accepted", "authentication")
class CutCookieAccepted(Emulator):
    """The beginning of the right cookie is accepted, too."""

    def accepts_cookie(self, owner: Identity, brought: Credentials) -> bool:
        """Compare as far as the shorter one goes."""
        return any(
            value and owner["cookie"].encode().startswith(value) for value in brought.cookies
        )


@fault("mtmai.auth.cookie_beside_token_refused", "authentication")
class CookieBesideTokenRefused(Emulator):
    """A bearer token and a cookie that come together are refused, though both are right."""

    def accepts(self, owner: Identity, brought: Credentials) -> bool:
        """Want one of the two, not both."""
        both = self.accepts_bearer(owner, brought) and self.accepts_cookie(owner, brought)
        return super().accepts(owner, brought) and not both


@fault("mtmai.auth.wrong_cookie_beside_token_refused", "authentication")
class WrongCookieBesideTokenRefused(Emulator):
    """The right bearer token is refused where a wrong cookie comes with it."""

    def accepts_bearer(self, owner: Identity, brought: Credentials) -> bool:
        """Want every credential to be right."""
        wrong = bool(brought.cookies) and not self.accepts_cookie(owner, brought)
        return super().accepts_bearer(owner, brought) and not wrong


@fault("mtmai.auth.unreadable_500", "robustness")
class UnreadableCredentialsFail(Emulator):
    """An Authorization header that cannot be read answers 500."""

    def authenticate(self, call: Call, tenant: str) -> None:
        """Take every header for one that can be read."""
        brought = credentials.read(call.request.headers)
        if call.request.headers.get("Authorization") and not (brought.bearer or brought.basic):
            raise Refusal("internal error", status=500)
        super().authenticate(call, tenant)


@fault("mtmai.auth.other_tenants_credentials", "authentication")
class OtherTenantsCredentials(Emulator):
    """The credentials of one tenant open every other one."""

    def owners(self, tenant: str) -> list[Identity]:
        """Return everybody for a tenant that exists."""
        return list(self.world.identities) if super().owners(tenant) else []


@fault("mtmai.auth.unknown_tenant_open", "authentication")
class UnknownTenantOpen(Emulator):
    """A tenant that does not exist is open to whoever has credentials of another one."""

    def owners(self, tenant: str) -> list[Identity]:
        """Return everybody for a tenant that does not exist."""
        return super().owners(tenant) or list(self.world.identities)


@fault("mtmai.auth.chat_before_credentials", "authentication")
class ChatBeforeCredentials(Emulator):
    """Without credentials an unknown chat answers 404, where one that exists answers 403."""

    def authenticate(self, call: Call, tenant: str) -> None:
        """Look for the chat first."""
        chat = call.path.get("chat")
        if chat is not None:
            self.find_session(self.find_scope(tenant), chat)
        super().authenticate(call, tenant)


@fault("mtmai.auth.token_in_403", "robustness")
class TokenIn403(Emulator):
    """The description of a 403 tells the tenant's bearer token."""

    def forbidden(self, tenant: str, brought: Credentials) -> str:
        """Say what would have been right."""
        told = [f"the token should be {owner['token']}" for owner in self.owners(tenant)]
        return "; ".join([super().forbidden(tenant, brought), *told])


@fault("mtmai.auth.status_401", "status")
class RefusedWith401(Emulator):
    """Whoever is not let in is refused with 401, not 403."""

    def refuse(self, call: Call, refusal: Refusal) -> Answer:
        """Write all but the status as it should be."""
        answer = super().refuse(call, refusal)
        return replace(answer, status=401) if answer.status == 403 else answer


@fault("mtmai.auth.refusal_is_a_list", "shape")
class RefusalIsAList(Emulator):
    """A 403 has a list of errors, where the document has a single one."""

    def show_refusal(self, refusal: Refusal) -> dict[str, object]:
        """Write a 403 as everything else."""
        shown = super().show_refusal(refusal)
        return shown if "errors" in shown else {"errors": [shown]}
