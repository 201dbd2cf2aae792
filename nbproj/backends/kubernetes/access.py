"""Which cluster is meant, and as whom: by the user's kubeconfig, else by what a pod finds of the cluster that it runs in."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from nbproj.errors import BackendError, one_line, suggestion

__all__ = ["Access"]

_USUAL: Final = "~/.kube/config"
_POD_NAMESPACE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_SERVERS: Final = ("https://", "http://")


class Access:
    """The way to a cluster. It can be read again, when a login has expired; it stays the same context of the same files then.

    Parameters
    ----------
    context : str, optional
        A context of the user's kubeconfig; the current one by default, and where there is no kubeconfig the cluster that this process runs in.
    """

    def __init__(self, context: str | None = None) -> None:
        self.namespace = "default"
        self._context = context
        # The client itself looks once, when it is imported: a notebook that sets the variable later would be sent to another cluster.
        self._files = os.environ.get("KUBECONFIG") or _USUAL
        self._of_pod = context is None and not any(Path(one).expanduser().is_file() for one in self._files.split(os.pathsep) if one)

    def read(self) -> Any:  # noqa: ANN401 - the client's configuration
        """Return the client's configuration, as the files say now; a program that they name for the login is started.

        Raises
        ------
        BackendError
            There is no such context, no cluster is configured, or what the files say cannot be used; or the extra is not installed.
        """
        try:
            from kubernetes import client, config
        except ImportError as error:
            msg = "Kubernetes needs further packages: pip install 'nbproj[kubernetes]'"
            raise BackendError(msg) from error
        configuration = client.Configuration()
        configuration.retries = False  # who asks decides what is asked again: a Job that was made is not made twice
        configuration.client_side_validation = False  # what a cluster answers is taken as it is, of whatever version it may be
        if self._of_pod:
            self._read_of_pod(config, configuration)
        else:
            self._read_files(config, configuration)
        if not str(configuration.host).startswith(_SERVERS):
            msg = f"kubeconfig {self._files}: {configuration.host!r} is no address of a cluster"
            raise BackendError(msg)
        return configuration

    def _read_of_pod(self, config: Any, configuration: Any) -> None:  # noqa: ANN401 - a module and an object of the client
        try:
            config.load_incluster_config(client_configuration=configuration)
        except (config.ConfigException, OSError):
            msg = f"no Kubernetes cluster is configured: there is no kubeconfig {self._files}, and this process runs in no cluster"
            raise BackendError(msg, hint="Set KUBECONFIG") from None
        with contextlib.suppress(OSError):
            self.namespace = _POD_NAMESPACE.read_text(encoding="utf-8").strip() or self.namespace

    def _read_files(self, config: Any, configuration: Any) -> None:  # noqa: ANN401 - a module and an object of the client
        import yaml
        from kubernetes.config.kube_config import KubeConfigMerger

        try:
            merged: Any = KubeConfigMerger(self._files).config  # type: ignore[no-untyped-call]  # the client has no annotations there
            if merged is None:
                raise self._useless("there is no such file")  # noqa: EM101, TRY003 - no message yet, only its reason
            contexts = [one.value for one in merged["contexts"]]
            known = [str(one["name"]) for one in contexts]
            self._context = self._context or str(merged.value.get("current-context") or "")
            if self._context not in known:
                what = (
                    f"there is no kube-context {self._context!r}"
                    if self._context
                    else "no kube-context is given, and the kubeconfig has no current one"
                )
                msg = f"{what}.{suggestion(self._context, known)} Known: {', '.join(known) or 'none'}"
                raise BackendError(msg)
            with _listening() as complaints:
                config.load_kube_config(self._files, context=self._context, client_configuration=configuration, persist_config=False)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f"{mark.name}:{mark.line + 1}:{mark.column + 1}" if mark is not None else self._files
            msg = f"kubeconfig {where}: not YAML: {getattr(error, 'problem', None) or one_line(str(error))}"
            raise BackendError(msg) from None
        except (config.ConfigException, OSError) as error:
            # Behind the brace the client quotes the file, tokens included.
            raise self._useless(one_line(str(error)).partition("{")[0].rstrip("/. ")) from None
        except (ValueError, TypeError, AttributeError, LookupError):
            raise self._useless("it is not built as one") from None  # noqa: EM101, TRY003 - no message yet, only its reason
        if complaints and not configuration.api_key:
            msg = f"no login for kube-context {self._context!r}: {complaints[0]}"
            raise BackendError(msg, hint="Log in again, with the program that its kubeconfig names")
        chosen: dict[str, Any] = next(one for one in contexts if one["name"] == self._context)
        self.namespace = str((chosen.get("context") or {}).get("namespace") or "default")

    def _useless(self, why: str) -> BackendError:
        msg = f"kubeconfig {self._files} cannot be used: {why}"
        return BackendError(msg, hint="Set KUBECONFIG, or mend the file; `kubectl config view` shows it")


@contextlib.contextmanager
def _listening() -> Iterator[list[str]]:
    """Keep what the client would only log: that the program for the login has failed."""
    told: list[str] = []

    def keep(record: logging.LogRecord) -> bool:
        if record.levelno < logging.ERROR or record.module not in {"kube_config", "exec_provider"}:
            return True
        told.append(one_line(record.getMessage())[:300].rstrip("."))
        return False

    root, silent = logging.getLogger(), logging.NullHandler()
    root.addFilter(keep)
    root.addHandler(silent)  # without any, the first word would set one up that speaks on stderr from then on
    try:
        yield told
    finally:
        root.removeHandler(silent)
        root.removeFilter(keep)
