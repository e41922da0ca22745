"""Certificates for a first try of Modbus/TCP Security: a small CA, one for the station, one for each client with its role.

In: a directory, hosts, roles. Out: PEM files; keys are readable by their owner alone. A plant that has a CA uses its own instead.
"""

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from watthour.errors import UsageError
from watthour.host.lines.secure import ROLE_OID, role_extension

VALID_DAYS = 825
CA_VALID_DAYS = 3650
_CLOCKS_APART = timedelta(minutes=5)
_OWNER_ALONE = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Write both as ``NAME.pem`` and ``NAME.key`` and return where; what is there already is not written over.

        Raises
        ------
        UsageError
            If one of them is there, or cannot be written.
        """
        files = folder / f"{name}.pem", folder / f"{name}.key"
        private = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        contents = self.certificate.public_bytes(serialization.Encoding.PEM), private
        for file, content in zip(files, contents, strict=True):
            try:
                with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ALONE), "wb") as opened:
                    opened.write(content)
            except OSError as problem:
                msg = f"{file}: {problem.strerror or problem}"
                raise UsageError(msg) from None
        return files


def make_ca(name: str = "watthour test CA", *, now: datetime | None = None) -> Pair:
    """Return a new CA."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _named(name)
    builder = _builder(subject, subject, key, now or datetime.now(UTC), CA_VALID_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(is_ca=True), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return Pair(certificate=builder.sign(key, hashes.SHA256()), key=key)


def make_certificate(
    ca: Pair, name: str, *, hosts: Sequence[str] = (), role: str | None = None, now: datetime | None = None
) -> Pair:
    """Return a certificate that a CA signed: a station's for its hosts, a client's where there are none.

    Raises
    ------
    UsageError
        If the role is too long.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_named(name), ca.certificate.subject, key, now or datetime.now(UTC), VALID_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(is_ca=False), critical=True)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key())
    builder = builder.add_extension(issuer, critical=False)
    purpose = ExtendedKeyUsageOID.SERVER_AUTH if hosts else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False)
    if role is not None:
        extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(ROLE_OID), role_extension(role))
        builder = builder.add_extension(extension, critical=False)
    return Pair(certificate=builder.sign(ca.key, hashes.SHA256()), key=key)


def read_ca(folder: Path) -> Pair:
    """Return the CA that a directory holds.

    Raises
    ------
    UsageError
        If it holds none that can be used.
    """
    try:
        certificate = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
        key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
    except (OSError, ValueError) as problem:
        msg = f"{folder}: no CA with ca.pem and ca.key: {getattr(problem, 'strerror', None) or problem}"
        raise UsageError(msg) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        msg = f"{folder / 'ca.key'}: no key of an elliptic curve, as this program makes them"
        raise UsageError(msg)
    return Pair(certificate=certificate, key=key)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - _CLOCKS_APART).not_valid_after(now + timedelta(days=days))


def _usage(*, is_ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_ca,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
