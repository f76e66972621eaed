"""What a server shows of itself to whoever asks by https."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


class TlsError(Exception):
    """A certificate cannot be used, or none can be made; says which, and what would do."""


@dataclass(frozen=True, slots=True)
class Tls:
    """A certificate chain and its private key, as PEM files."""

    certificate: Path
    key: Path


def given(certificate: Path, key: Path) -> Tls:
    """Return what a user has; raises TlsError where the two are no pair."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=_none)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
        raise TlsError(
            f"{certificate} and {key} are no certificate with its private key: {reason}"
        ) from error
    return Tls(certificate, key)


def _none() -> str:
    raise ValueError("the key has a passphrase; give one without")


def generated(folder: Path, hosts: Iterable[str]) -> tuple[Tls, Path]:
    """Make a certificate for these hosts, and return it with that of its authority, to be trusted.

    Raises TlsError where what it takes is not installed.
    """
    try:
        import trustme
    except ImportError as error:
        raise TlsError(
            "to make a certificate takes the extra `tls`: pip install 'counterfoil[tls]'"
        ) from error
    authority = trustme.CA(organization_name="Counterfoil mock server")
    made = authority.issue_cert(*dict.fromkeys(hosts))
    tls = Tls(folder / "certificate.pem", folder / "key.pem")
    tls.key.touch(mode=0o600)
    made.private_key_pem.write_to_path(tls.key)
    tls.certificate.write_bytes(b"".join(part.bytes() for part in made.cert_chain_pems))
    trusted = folder / "authority.pem"
    authority.cert_pem.write_to_path(trusted)
    return tls, trusted
