"""A certificate authority of our own, for the names of the checks."""

import datetime
import functools
import ipaddress
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


def pem(thing):
    """A certificate or a private key as text."""
    if isinstance(thing, x509.Certificate):
        return thing.public_bytes(serialization.Encoding.PEM).decode()
    return thing.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


def name_of(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """A root that signs what it is asked to sign."""

    def __init__(self, name="Checks Root"):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name, now = name_of(name), datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder().subject_name(self.name).issuer_name(self.name).public_key(self.key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - DAY).not_valid_after(now + 3650 * DAY)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.add_extension(self.key_id(), critical=False)
        signs = dict.fromkeys(["digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
                               "decipher_only"], False)
        builder = builder.add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **signs), critical=True)
        self.certificate = builder.sign(self.key, hashes.SHA256())

    def key_id(self):
        return x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())

    def sign(self, names, public_key, days=90, since=None):
        """A certificate for these names and addresses; the first is also its subject."""
        since = since or datetime.datetime.now(datetime.timezone.utc) - DAY / 24
        alternative = x509.SubjectAlternativeName([general_name(name) for name in names])
        builder = x509.CertificateBuilder().subject_name(name_of(names[0])).issuer_name(self.name).public_key(public_key)
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(since).not_valid_after(since + days * DAY)
        builder = builder.add_extension(alternative, critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, directory, *names):
        """Files with a certificate for these names and its key, and the root beside them."""
        key = ec.generate_private_key(ec.SECP256R1())
        chain, secret, root = directory / "chain.pem", directory / "key.pem", directory / "root.pem"
        chain.write_text(pem(self.sign(names, key.public_key())))
        secret.write_text(pem(key))
        root.write_text(pem(self.certificate))
        return chain, secret, root


def general_name(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@functools.cache
def trusting(root, *protocols):
    """How a client handshakes that trusts this root file and speaks these protocols; no root, no questions."""
    context = ssl.create_default_context(cafile=root) if root else ssl._create_unverified_context()
    context.set_alpn_protocols(list(protocols or ("http/1.1",)))
    return context
