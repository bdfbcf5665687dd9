"""Certificates, and TLS in front of a PostgreSQL whose binaries were built without it."""

import datetime
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from select import select

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

__all__ = ["self_signed", "tls_front"]

_SSL_REQUEST = bytes.fromhex("00000008 04d2162f")
"""With which a client of PostgreSQL asks for TLS, before anything else."""


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key, as files in the folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


@contextmanager
def tls_front(server: str, certificate: tuple[Path, Path]) -> Iterator[int]:
    """Speak TLS as PostgreSQL would, on a port of 127.0.0.1, for the server that listens on this unix socket."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    def serve(client: socket.socket) -> None:
        # A client that does not trust the certificate goes away in the middle.
        with suppress(OSError), closing(client), socket.socket(socket.AF_UNIX) as plain:
            if client.recv(len(_SSL_REQUEST), socket.MSG_WAITALL) != _SSL_REQUEST:
                return
            client.sendall(b"S")
            plain.connect(server)
            with context.wrap_socket(client, server_side=True) as secured:
                _run_attempts(secured, plain)

    def accept() -> None:
        with suppress(OSError):  # the end of the listener
            while True:
                threading.Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def _run_attempts(secured: ssl.SSLSocket, plain: socket.socket) -> None:
    """Both ways, until one side ends."""
    other: dict[socket.socket, socket.socket] = {secured: plain, plain: secured}
    while True:
        for ready in [secured] if secured.pending() else select([secured, plain], [], [])[0]:
            data = ready.recv(65536)
            if not data:
                return
            other[ready].sendall(data)
