"""MODBUS/TCP Security Protocol Specification v21: the rules that are a program's, by number.

The handshake, the role table and its refusals over real sockets are in ``tests/host/lines/test_tls.py``; here stand the contexts and the
certificates themselves.
"""

import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from watthour.host.certificates import make_ca, make_certificate
from watthour.host.lines import parse_url
from watthour.host.lines.access import DEFAULT_ROLES, LineAccess
from watthour.host.lines.secure import ROLE_OID, client_context, role_in, station_context
from watthour.host.lines.url import TLS_PORT


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    ca = make_ca()
    ca.write(folder, "ca")
    make_certificate(ca, "station", hosts=["127.0.0.1"]).write(folder, "station")
    return parse_url(f"modbus+tls://127.0.0.1?certificate={folder}/station.pem&key={folder}/station.key&ca={folder}/ca.pem")


def test_the_port_is_802():
    assert TLS_PORT == 802
    assert parse_url("modbus+tls://meter").port == 802


@pytest.mark.parametrize("make", [station_context, client_context])
def test_tls_is_1_2_or_newer_and_both_ends_show_a_certificate(url, make):
    context = make(url)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_REQUIRED


def test_a_client_checks_the_name_of_the_station(url):
    assert client_context(url).check_hostname


@pytest.mark.parametrize("make", [station_context, client_context])
def test_no_cipher_is_without_encryption_or_authentication(url, make):
    names = [cipher["name"] for cipher in make(url).get_ciphers()]
    assert names
    assert not [name for name in names if "NULL" in name or "anon" in name.lower() or "EXP" in name or "RC4" in name]


def test_the_role_is_one_utf8_string_in_the_extension_of_its_number():
    shown = make_certificate(make_ca(), "client", role="Operateur é").certificate
    (extension,) = (one for one in shown.extensions if one.oid.dotted_string == ROLE_OID == "1.3.6.1.4.1.50316.802.1")
    assert extension.value.value == b"\x0c\x0c" + "Operateur é".encode()
    assert role_in(shown.public_bytes(Encoding.DER)) == "Operateur é"


def test_certificates_are_x509_v3_and_say_what_they_are_for():
    ca = make_ca()
    station, client = make_certificate(ca, "s", hosts=["meter.example"]), make_certificate(ca, "c", role="reader")
    purposes = {
        pair: pair.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value for pair in (station, client)
    }
    assert [usage.dotted_string for usage in purposes[station]] == ["1.3.6.1.5.5.7.3.1"]
    assert [usage.dotted_string for usage in purposes[client]] == ["1.3.6.1.5.5.7.3.2"]
    assert all(pair.certificate.version is x509.Version.v3 for pair in (ca, station, client))
    assert ca.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not client.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_a_role_that_is_none_or_unknown_gives_no_rights():
    access = LineAccess()
    for role in ("", "Reader", "reader ", "administrator"):
        assert not access.rights_of(role).read
        assert not access.rights_of(role).write
    assert {rights.role for rights in DEFAULT_ROLES} == {"reader", "operator", "engineer"}


def test_what_a_port_allows_before_a_certificate_is_shown_is_nothing(url):
    assert not LineAccess(writable=True).rights_at(url).read
