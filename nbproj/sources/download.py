"""Files at web addresses."""

from __future__ import annotations

import base64
import contextlib
import http
import http.client
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Final
from urllib.parse import urlsplit

from nbproj.errors import SourceError
from nbproj.progress import Event, Progress
from nbproj.sources.address import Address, public

__all__ = ["PassingError", "answered", "download"]

_CHUNK = 1 << 18
_SILENCE_SECONDS = 30.0
_BUSY: Final = {http.HTTPStatus.REQUEST_TIMEOUT, http.HTTPStatus.TOO_MANY_REQUESTS}


class PassingError(SourceError):
    """What may be gone when it is tried again: a connection that broke, a server that is too busy."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Redirects that stay on the web, never go from https to http, and carry no credentials."""

    def redirect_request(  # the signature is urllib's
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: object,
        newurl: str,
    ) -> urllib.request.Request | None:
        scheme = urlsplit(newurl).scheme.lower()
        if scheme not in ({"https"} if req.type == "https" else {"https", "http"}):
            told = f"{public(req.full_url)} redirects to a {scheme or 'relative'}:// address, which is refused"
            fp.close()
            raise SourceError(told)
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]  # typeshed names the concrete HTTPMessage


@contextlib.contextmanager
def answered(address: Address, headers: Mapping[str, str] | None = None) -> Iterator[http.client.HTTPResponse | None]:
    """Ask for what lies at a web address; give the answer, or None when the server says that nothing has changed.

    Parameters
    ----------
    address : Address
        An http or https address; its credentials go to its own server only, not along with redirects.
    headers : mapping, optional
        Further headers of the request, such as conditions.

    Raises
    ------
    PassingError
        The connection broke, also while the answer was read; or the server is too busy.
    SourceError
        It could not be had.
    """
    shown = public(address.location)
    location = address.location.replace(" ", "%20")
    request = urllib.request.Request(location, headers={"User-Agent": "nbproj", **(headers or {})})  # noqa: S310 - parse allows http and https only
    if address.username or address.password:
        token = base64.b64encode(f"{address.username or ''}:{address.password or ''}".encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {token}")
    opener = urllib.request.build_opener(_Redirects)
    try:
        with opener.open(request, timeout=_SILENCE_SECONDS) as answer:
            yield answer
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.NOT_MODIFIED and headers:
            yield None
            return
        raise _refusal(shown, error) from None
    except http.client.HTTPException as error:
        msg = f"{shown} broke off: {type(error).__name__} {error}; try again"
        raise PassingError(msg) from None
    except (OSError, ValueError) as error:  # URLError, timeouts, a broken answer
        if isinstance(error, OSError) and error.filename is not None:  # a file of ours, not the network
            raise
        msg = f"{shown} could not be downloaded: {getattr(error, 'reason', error)}; check the address and the network"
        raise (PassingError if isinstance(error, ConnectionError | TimeoutError) else SourceError)(msg) from None


def _refusal(shown: str, error: urllib.error.HTTPError) -> SourceError:
    hint = "put user:password@ into the address, or check it" if error.code in {401, 403} else "check the address"
    passing = error.code in _BUSY or error.code >= http.HTTPStatus.INTERNAL_SERVER_ERROR
    hint = "try again" if passing else hint
    # Of a refused redirect urllib tells the whole target, which may hold a token.
    said = f"{error.code} {error.reason if error.code >= http.HTTPStatus.BAD_REQUEST else '(a redirect that is refused)'}"
    return (PassingError if passing else SourceError)(f"{shown} could not be downloaded: the server said {said}; {hint}")


def download(address: Address, path: Path, limit: int, progress: Progress) -> None:
    """Write what lies at a web address into a new file.

    Parameters
    ----------
    address : Address
        An http or https address; its credentials go to its own server only, not along with redirects.
    path : Path
        The file to make.
    limit : int
        Bytes that are not exceeded.
    progress : callable
        Gets `fetching` events with bytes.

    Raises
    ------
    SourceError
        It could not be had, or is too large. The file may exist in part.
    """
    shown = public(address.location)
    with answered(address) as answer, path.open("xb") as stream:
        assert answer is not None  # noqa: S101 - it was asked without conditions
        length = answer.headers.get("Content-Length")
        total = int(length) if length and length.isdigit() else None
        done = 0
        while chunk := answer.read(_CHUNK):
            done += len(chunk)
            if max(done, total or 0) > limit:
                msg = f"{shown} is refused: the archive is larger than {limit} bytes"
                raise SourceError(msg)
            stream.write(chunk)
            progress(Event("fetching", f"fetching {shown}", done=done, total=total))
        if total is not None and done != total:
            msg = f"{shown} broke off after {done} of {total} bytes; try again"
            raise PassingError(msg)
