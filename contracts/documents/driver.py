"""How a client speaks to a server of which there is a document and nothing else."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from ..driver import Driver
from ..model import Contract, ContractError, Exchange, Hidden, Recipe, Request, shortened
from ..target import Target
from .outline import Listed, Outline, Scheme, written

MADE_UP = "counterfoil-made-up"
"""What is shown where a credential has to be refused."""


@dataclass(frozen=True, slots=True)
class DocumentContract(Contract):
    """The contract that a document is; `values` are those that the user says exist."""

    outline: Outline = None  # type: ignore[assignment]
    values: Mapping[str, str] | None = None


class DocumentDriver(Driver):
    """Whoever has the credentials that were given, for as many security schemes as there are."""

    secret_headers = frozenset({"authorization", "cookie"})

    def __init__(self, contract: Contract, target: Target, credentials: Mapping[str, str]) -> None:
        """Raise ContractError where a credential cannot be sent as its scheme asks."""
        super().__init__(contract, target, credentials)
        assert isinstance(contract, DocumentContract)
        self.outline = contract.outline
        self.values = contract.values or {}
        self._listed = {listed.id: listed for listed in self.outline.operations}
        for scheme in self.outline.schemes.values():
            given = credentials.get(scheme.credential, "")
            if scheme.kind == "basic" and given and ":" not in given:
                raise ContractError(
                    f"{contract.variable(scheme.credential)} is written as NAME:PASSWORD"
                )

    def accepted(self, exchange: Exchange) -> bool:
        """Say whether it was done: HTTP has no other word for it that every document shares."""
        return 200 <= exchange.status < 300

    def describe(self, exchange: Exchange) -> str:
        """Say in a line how the request was answered; a problem (RFC 9457) by its own words."""
        if exchange.response and exchange.response.media_type == "application/problem+json":
            try:
                said = json.loads(exchange.body)
                words = [said[word] for word in ("title", "detail") if said.get(word)]
                if words:
                    told = ": ".join(map(str, words))
                    return f"HTTP {exchange.status} {shortened(told.encode('utf-8', 'replace'))}"
            except (ValueError, AttributeError, RecursionError):
                pass
        return super().describe(exchange)

    def authorize(self, request: Request) -> Request:
        """Put on a request what its operation asks for."""
        listed = self._listed.get(request.operation or "")
        return self.admitted(request, listed) if listed else request

    def admitted(self, request: Request, listed: Listed) -> Request:
        """Return a request with the credentials that an operation asks for, if they were given."""
        for scheme in self.proof(listed):
            request = self._with(request, scheme, self.credentials[scheme.credential])
        return request

    def impostor(self, request: Request, listed: Listed) -> Request:
        """Return a request with made-up credentials, each in the form of the true one."""
        for scheme in self.proof(listed):
            word = f"{MADE_UP}:{MADE_UP}" if scheme.kind == "basic" else MADE_UP
            request = self._with(request, scheme, word, secret=False)
        return request

    def proof(self, listed: Listed) -> tuple[Scheme, ...]:
        """Return the schemes to show: the first way to be let in for which all is given."""
        for needed in listed.security:
            schemes = [self.outline.schemes.get(name) for name in needed]
            known = [one for one in schemes if one and self.credentials.get(one.credential)]
            if known and len(known) == len(needed):
                return tuple(known)
        return ()

    def wanting(self, listed: Listed) -> tuple[str, ...]:
        """Return the variables of the first way to be let in, if what an operation asks is not
        given."""
        if not listed.security or () in listed.security or self.proof(listed):
            return ()
        known = self.outline.schemes
        ways = [[known[name] for name in way if name in known] for way in listed.security]
        return tuple(self.contract.variable(one.credential) for one in next(filter(None, ways), []))

    def _with(self, request: Request, scheme: Scheme, word: str, *, secret: bool = True) -> Request:
        hidden = self.hidden(scheme.credential) if secret else None
        if scheme.kind in ("bearer", "basic", "header"):
            name = scheme.name if scheme.kind == "header" else "Authorization"
            value = word if scheme.kind == "header" else f"Bearer {word}"
            if scheme.kind == "basic":
                encoded = base64.b64encode(word.encode("utf-8", "surrogateescape")).decode()
                value, hidden = f"Basic {encoded}", hidden and self._basic(scheme, encoded)
            bare = self.without(request, name)
            request = replace(bare, headers=(*bare.headers, (name, value)))
        elif scheme.kind == "cookie":
            before = next((v for n, v in request.headers if n.lower() == "cookie"), "")
            pair = f"{scheme.name}={word}"
            bare = self.without(request, "cookie")
            cookie = f"{before}; {pair}" if before else pair
            request = replace(bare, headers=(*bare.headers, ("Cookie", cookie)))
        else:
            joint = "&" if "?" in request.target else "?"
            value = quote(word, safe="")
            if hidden and value != word:
                hidden = self._quoted(scheme, value)
            target = f"{request.target}{joint}{quote(scheme.name, safe='')}={value}"
            request = replace(request, target=target)
        return replace(request, hidden=(*request.hidden, hidden)) if hidden else request

    def _basic(self, scheme: Scheme, encoded: str) -> Hidden:
        variable = self.contract.variable(scheme.credential)
        shell = f'"$(printf %s "${{{variable}}}" | base64 | tr -d \'\\n\')"'
        recipe = Recipe(made="basic", parts=(Recipe(credential=scheme.credential),))
        return Hidden(encoded, f"<basic credentials of ${variable}>", shell, recipe)

    def _quoted(self, scheme: Scheme, value: str) -> Hidden:
        variable = self.contract.variable(scheme.credential)
        hexed = f"printf %s \"${{{variable}}}\" | od -An -v -tx1 | tr -d '\\n' | sed 's/ /%/g'"
        recipe = Recipe(credential=scheme.credential, then=(("url",),))
        return Hidden(value, f"${variable}", f'"$({hexed})"', recipe)

    def make_anew(self, made: str, parts: Sequence[str]) -> str:
        """Make what basic authentication shows, of a name with its password."""
        if made != "basic" or len(parts) != 1:
            return super().make_anew(made, parts)
        return base64.b64encode(parts[0].encode("utf-8", "surrogateescape")).decode()

    def probe(self) -> Exchange:
        """Send one request that changes nothing, to see whether anybody is there."""
        quiet = [o for o in self.outline.operations if o.method == "GET" and not o.path_names]
        first = next((one for one in quiet if not one.trouble), None)
        if first is None:
            return self.send(Request("GET", "/"))
        return self.send(
            self.admitted(Request("GET", written(first.path.partition("?")[0])), first)
        )
