"""What a user's backend configuration asks of Kubernetes (the seeds' "Run an MLflow Project on Kubernetes")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nbproj.errors import BackendError, suggestion

__all__ = ["KubernetesWishes"]

_CONTEXT: Final = "kube-context"
_REPOSITORY: Final = "repository-uri"
_TEMPLATE: Final = "kube-job-template-path"
_PATIENCE: Final = "start-timeout"
_KNOWN: Final = (_CONTEXT, _REPOSITORY, _TEMPLATE, _PATIENCE)
_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class KubernetesWishes:
    """A backend configuration for Kubernetes.

    Parameters
    ----------
    repository : str
        Where the project's image is pushed to, and where the cluster pulls it from.
    template : Path
        The Job template.
    context : str, optional
        A context of the user's kubeconfig; the current one by default, and inside a cluster that cluster.
    patience : float
        Seconds for which a pod may wait for an image that cannot be pulled, or the Job for a pod that may not be made, before the run fails.
    """

    repository: str
    template: Path
    context: str | None = None
    patience: float = _SECONDS

    @classmethod
    def of(cls, config: Mapping[str, object]) -> KubernetesWishes:
        """Return what a configuration means.

        Parameters
        ----------
        config : mapping
            With the keys of the seeds: `kube-context`, `repository-uri`, `kube-job-template-path`; and `start-timeout`, in seconds.

        Raises
        ------
        BackendError
            A key is missing, unknown, or holds something else.

        Examples
        --------
        >>> wishes = KubernetesWishes.of({"repository-uri": "team/wine", "kube-job-template-path": "/job.yaml"})
        >>> wishes.repository, wishes.template.name, wishes.context
        ('team/wine', 'job.yaml', None)
        """
        missing = [name for name in (_REPOSITORY, _TEMPLATE) if not config.get(name)]
        if missing:
            msg = f"the kubernetes backend needs {' and '.join(missing)} in its configuration"
            raise BackendError(msg, hint=f'Give it with -c config.json, such as {{"{_REPOSITORY}": "registry/image", "{_TEMPLATE}": "job.yaml"}}')
        unknown = next((name for name in config if name not in _KNOWN), None)
        if unknown is not None:
            msg = f"the kubernetes backend knows no {unknown!r}.{suggestion(unknown, _KNOWN)} Known: {', '.join(_KNOWN)}"
            raise BackendError(msg)
        for name in (_CONTEXT, _REPOSITORY, _TEMPLATE):
            if config.get(name) is not None and not isinstance(config[name], str):
                msg = f"{name}: {config[name]!r} is not a text"
                raise BackendError(msg)
        patience = config.get(_PATIENCE, _SECONDS)
        if isinstance(patience, bool) or not isinstance(patience, (int, float)) or patience <= 0:
            msg = f"{_PATIENCE}: {patience!r} is not a number of seconds above zero"
            raise BackendError(msg)
        context = config.get(_CONTEXT)
        return cls(str(config[_REPOSITORY]), Path(str(config[_TEMPLATE])).expanduser().absolute(), str(context) if context else None, float(patience))
