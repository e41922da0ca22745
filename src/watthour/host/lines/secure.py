"""TLS on a line: both ends show certificates, and the client's says its role (MODBUS/TCP Security, v21).

In: the files that a URL names. Out: what asyncio needs to speak TLS 1.2 or newer, and the role of whoever is connected. What a
role may do is not known here.
"""

import asyncio
import ssl
from pathlib import Path

from watthour.errors import UsageError
from watthour.host.lines.url import TcpUrl

ROLE_OID = "1.3.6.1.4.1.50316.802.1"
"""Of the certificate extension that holds a role, one UTF8String."""

_UTF8_STRING = 0x0C
_LONG_LENGTH = 0x80


def station_context(url: TcpUrl) -> ssl.SSLContext:
    """Return the station's side: its own certificate shown, the client's required.

    Raises
    ------
    UsageError
        If the URL does not name three files, or they cannot be used.
    """
    return _context(url, ssl.PROTOCOL_TLS_SERVER)


def client_context(url: TcpUrl) -> ssl.SSLContext:
    """Return the client's side: its own certificate shown, the station's checked.

    Raises
    ------
    UsageError
        If the URL does not name three files, or they cannot be used.
    """
    return _context(url, ssl.PROTOCOL_TLS_CLIENT)


def _context(url: TcpUrl, protocol: int) -> ssl.SSLContext:
    files = {"certificate": url.certificate, "key": url.key, "ca": url.ca}
    for name, file in files.items():
        if file is None:
            msg = f"{url}: no {name}=FILE: add ?certificate=FILE&key=FILE&ca=FILE; watthour tls makes all three"
            raise UsageError(msg)
        if not Path(file).is_file():
            msg = f"{url}: {name}={file}: no such file"
            raise UsageError(msg)
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(str(url.certificate), str(url.key))
        context.load_verify_locations(str(url.ca))
    except (ssl.SSLError, OSError) as problem:
        msg = f"{url}: its certificate, key or CA cannot be used: {getattr(problem, 'reason', None) or problem}"
        raise UsageError(msg) from None
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def role_of(transport: asyncio.Transport) -> str:
    """Return the role that the certificate of the other end names; empty where it names none."""
    connection = transport.get_extra_info("ssl_object")
    shown = None if connection is None else connection.getpeercert(binary_form=True)
    return "" if shown is None else role_in(shown)


def role_in(certificate: bytes) -> str:
    """Return the role that a certificate (DER) names; empty where it names none, or not as one UTF8String."""
    from cryptography import x509  # noqa: PLC0415 - takes a while, and most runs have no TLS

    try:
        found = x509.load_der_x509_certificate(certificate).extensions.get_extension_for_oid(x509.ObjectIdentifier(ROLE_OID))
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return ""
    content = found.value
    return _utf8_string(content.value) if isinstance(content, x509.UnrecognizedExtension) else ""


def role_extension(role: str) -> bytes:
    """Return the content of the extension that names a role."""
    text = role.encode()
    if len(text) >= _LONG_LENGTH:
        msg = f"role {role[:20]!r}… has {len(text)} bytes where {_LONG_LENGTH - 1} fit"
        raise UsageError(msg)
    return bytes((_UTF8_STRING, len(text))) + text


def _utf8_string(content: bytes) -> str:
    head = 2
    if len(content) < head or content[0] != _UTF8_STRING or content[1] >= _LONG_LENGTH or content[1] != len(content) - head:
        return ""
    try:
        return content[head:].decode()
    except UnicodeDecodeError:
        return ""


def tls_trouble(problem: ssl.SSLError) -> str:
    """Return what a failed handshake means, and what to do."""
    if isinstance(problem, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not accepted ({problem.verify_message}): is ca= the CA that signed it, and its name this host?"
        )
    return (
        f"no TLS with it ({(problem.reason or 'handshake failed').replace('_', ' ').lower()}): does it accept this certificate?"
    )
