"""Files and folders on object stores and Hadoop, by fsspec, which knows how each is spoken to and where its credentials are found."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nbproj.errors import SourceError, one_line
from nbproj.progress import Progress
from nbproj.project.remote import Remote
from nbproj.sources.download import PassingError
from nbproj.sources.remote.origin import Writer, name_of

__all__ = ["ObjectOrigin"]

_BLOCK: Final = 8 << 20
_MD5: Final = re.compile(r'"?([0-9a-f]{32})"?')
_NEEDS: Final[Mapping[str, str]] = {"s3": "s3fs", "gs": "gcsfs", "abfs": "adlfs", "hdfs": "pyarrow and Hadoop's own library"}
_CREDENTIALS: Final[Mapping[str, str]] = {
    "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS to the file of a key, or run gcloud auth application-default login",
    "abfs": "set AZURE_STORAGE_ACCOUNT_NAME with AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN, or AZURE_STORAGE_CONNECTION_STRING",
    "hdfs": "run kinit, or set HADOOP_USER_NAME",
}
_KINDS: Final[Mapping[str, str]] = {"s3a": "s3", "s3n": "s3", "gcs": "gs", "abfss": "abfs"}
_STAMPS: Final = ("ETag", "etag", "md5Hash", "generation", "VersionId", "LastModified", "last_modified", "updated", "mtime")
_NO_BUCKET: Final = re.compile(r"specified (bucket|container)|NoSuchBucket|ContainerNotFound")
_REFUSED: Final = re.compile(
    r"credential|forbidden|access.?denied|unauthorized|anonymous|InvalidAccessKeyId|SignatureDoesNotMatch|account_name|authenticat", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Item:
    """One file: its name below the folder, where it is, and what is told of it."""

    name: str
    path: str
    told: Mapping[str, Any]

    @property
    def size(self) -> int | None:
        size = self.told.get("size")
        return int(size) if size is not None else None

    @property
    def stamp(self) -> str:
        return " ".join(str(self.told[name]) for name in _STAMPS if self.told.get(name) is not None)

    @property
    def md5(self) -> bytes:
        """What is told of its content; of an S3 object this need not be a digest at all."""
        settings = self.told.get("content_settings")
        raw = settings.get("content_md5") if isinstance(settings, Mapping) else getattr(settings, "content_md5", None)
        if raw:
            return bytes(raw)
        if self.told.get("md5Hash"):
            return base64.b64decode(self.told["md5Hash"])
        found = _MD5.fullmatch(str(self.told.get("ETag") or ""))
        return bytes.fromhex(found[1]) if found else b""


class ObjectOrigin:
    """A file or folder in a bucket, a container or a Hadoop file system.

    Its version is what the store tells of each file: `ETag`, generation or time, and length.

    Parameters
    ----------
    address : Remote
        Where it is.
    """

    def __init__(self, address: Remote) -> None:
        self.shown = address.public
        self._address = address
        self._kind = _KINDS.get(address.scheme, address.scheme)

    def fetch(self, known: Sequence[str], folder: Path, progress: Progress) -> str | None:
        """Write the file or folder, unless what the store tells of it is known."""
        try:
            return self._fetch(self._system(), known, folder, progress)
        except (SourceError, KeyboardInterrupt, SystemExit):
            raise
        except Exception as error:  # noqa: BLE001 - the libraries of the stores have no common base
            if self._kind == "s3" and type(error).__name__ == "NoCredentialsError":
                return self._anonymously(known, folder, progress)
            raise self._said(error) from None

    def _anonymously(self, known: Sequence[str], folder: Path, progress: Progress) -> str | None:
        """Fetch what everybody may read: there are no credentials."""
        try:
            return self._fetch(self._system(anon=True), known, folder, progress)
        except SourceError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            missing = isinstance(error, FileNotFoundError)
            raise self._said(error) if missing else self._refused("there are no credentials, and it is not public") from None

    def _system(self, **options: object) -> Any:  # noqa: ANN401 - fsspec has no types
        """Return the file system of the address, without what an earlier one remembers."""
        try:
            import fsspec
            from fsspec.core import url_to_fs

            fsspec.get_filesystem_class(self._address.scheme)
        except ImportError:
            needed = _NEEDS[self._kind]
            extra = "" if self._kind == "hdfs" else ": pip install 'nbproj[cloud]'"
            msg = f"{self._address.scheme}:// needs {needed}, which is not installed{extra}"
            raise SourceError(msg) from None
        system, self._path = url_to_fs(str(self._address), skip_instance_cache=True, use_listings_cache=False, **options)
        return system

    def _fetch(self, system: Any, known: Sequence[str], folder: Path, progress: Progress) -> str:  # noqa: ANN401 - fsspec has no types
        items = self._items(system)
        told = "\n".join(f"{one.name}\t{one.size}\t{one.stamp}" for one in items)
        version = f"objects {hashlib.sha256(told.encode()).hexdigest()}"
        if version in known:
            return version
        sizes = [one.size for one in items]
        writer = Writer(self.shown, progress, None if None in sizes else sum(size for size in sizes if size is not None))
        writer.room(folder)
        top = folder / name_of(str(self._address))
        for one in items:
            file = top / one.name if one.name else top
            file.parent.mkdir(parents=True, exist_ok=True)
            with system.open(one.path, "rb", block_size=_BLOCK, cache_type="none") as stream:
                digests = writer.write(stream.read, file, one.size, {"md5": b""} if one.md5 else {}, chunk=_BLOCK)
            if one.md5 and digests["md5"] != one.md5 and self._is_digest(system, one):
                msg = f"{one.path} arrived damaged: its md5 is not the one that its store tells; try again"
                raise PassingError(msg)
        return version

    def _items(self, system: Any) -> list[_Item]:  # noqa: ANN401 - fsspec has no types
        """Return the file, or all files of the folder, by name."""
        told = system.info(self._path)
        if told["type"] != "directory":
            return [_Item("", self._path, told)]
        root = self._path.rstrip("/")
        found = []
        for path, one in sorted(system.find(root, detail=True).items()):
            name = path[len(root) + 1 :] if path.startswith(f"{root}/") else ""
            if one.get("type") == "directory" or path.endswith("/") or not name:  # marks of empty folders
                continue
            if any(part in {"", ".", ".."} for part in name.split("/")) or not name.isprintable():
                msg = f"{self.shown} is refused: its file {name!r} has a name that no folder here can hold"
                raise SourceError(msg)
            found.append(_Item(name, path, one))
        if not found:
            raise FileNotFoundError(root)
        return found

    def _is_digest(self, system: Any, item: _Item) -> bool:  # noqa: ANN401 - fsspec has no types
        """Return whether what looks like the digest of an object is one: not where S3 encrypts with keys of the user's."""
        if self._kind != "s3":
            return True
        bucket, _, key = item.path.partition("/")
        head = system.call_s3("head_object", Bucket=bucket, Key=key)
        return head.get("ServerSideEncryption") in {None, "AES256"} and not head.get("SSECustomerAlgorithm")

    def _said(self, error: Exception) -> SourceError:
        """Return one line for what a store's library raised."""
        told = one_line(f"{error}")
        if isinstance(error, FileNotFoundError):
            place = self.shown.partition("://")[2].partition("/")[0]
            missing = f"there is no bucket {place!r} ({self.shown})" if _NO_BUCKET.search(told) else f"there is nothing at {self.shown}"
            return SourceError(f"{missing}: check the address")
        if isinstance(error, NotADirectoryError | FileExistsError | IsADirectoryError):
            return SourceError(f"{self.shown} is refused: it has a file and a folder of one name")
        if isinstance(error, PermissionError) or _REFUSED.search(f"{type(error).__name__} {told}"):
            return self._refused(told)
        if isinstance(error, ImportError):
            return SourceError(f"{self._address.scheme}:// needs {_NEEDS[self._kind]}: {told}")
        if "checksum" in told:  # the library has compared one, block by block
            return PassingError(f"{self.shown} arrived damaged: {told}; try again")
        msg = f"{self.shown} could not be downloaded: {told or type(error).__name__}; check the address and the network"
        return SourceError(msg)

    def _refused(self, why: str) -> SourceError:
        return SourceError(f"{self.shown} could not be read: {why}; {_CREDENTIALS[self._kind]}")
