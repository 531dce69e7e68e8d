"""Guest module `ssl`: `tls` with certificates from files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loader.modules import tls
from loader.modules.native import buffer_of

if TYPE_CHECKING:
    from loader.vm import VM


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    from loader.modules import builtin_module

    def content(source: Any) -> Any:
        """What a file name stands for; bytes stand for themselves."""
        if not isinstance(source, str):
            return source
        file = vm.vfs.open(source, "rb")
        try:
            return file.read()
        finally:
            file.close()

    class SSLContext(tls.SSLContext):
        """A context that takes file names too."""

        def load_cert_chain(self, certfile: Any, keyfile: Any) -> None:
            super().load_cert_chain(content(certfile), content(keyfile))

        def load_verify_locations(self, cafile: Any = None, cadata: Any = None) -> None:
            super().load_verify_locations(cadata=content(cafile) if cafile else cadata)

    def wrap_socket(
        sock: Any,
        server_side: Any = False,
        key: Any = None,
        cert: Any = None,
        cert_reqs: int = tls.CERT_NONE,
        cadata: Any = None,
        server_hostname: Any = None,
        do_handshake: Any = True,
    ) -> Any:
        """Wrap with a context made for the occasion."""
        protocol = tls.PROTOCOL_TLS_SERVER if server_side else tls.PROTOCOL_TLS_CLIENT
        context = SSLContext(protocol)
        context.verify_mode = cert_reqs
        if cert or key:
            context.load_cert_chain(buffer_of(cert), buffer_of(key))
        if cadata:
            context.load_verify_locations(cadata=cadata)
        return context.wrap_socket(
            sock,
            server_side=server_side,
            do_handshake_on_connect=do_handshake,
            server_hostname=server_hostname,
        )

    return {
        **tls.CONSTANTS,
        "tls": builtin_module(vm, "tls", extensible=False),
        "SSLContext": SSLContext,
        "wrap_socket": wrap_socket,
        "__version__": "0.2.1",
    }
