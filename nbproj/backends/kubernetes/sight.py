"""What is to be seen of a Job at one moment, and what it means: it waits for something, it runs, it has ended, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from nbproj.errors import one_line
from nbproj.execution.execution import Outcome
from nbproj.execution.process import ended_with

__all__ = ["Sight", "Wait"]

_HOPELESS: Final = {
    "ErrImageNeverPull": "its image is not on the node, and may not be pulled",
    "ErrImagePull": "its image cannot be pulled",
    "ImagePullBackOff": "its image cannot be pulled",
    "InvalidImageName": "its image has no valid name",
    "CreateContainerConfigError": "its container cannot be configured",
    "CreateContainerError": "its container cannot be created",
    "RunContainerError": "its container cannot be started",
}
"""Reasons of waiting that time alone rarely mends."""
_TIMEOUT_CODE: Final = 124
_OOM: Final = "OOMKilled"


@dataclass(frozen=True, slots=True)
class Wait:
    """What a Job waits for.

    Parameters
    ----------
    text : str
        In one line; empty when it waits for nothing.
    lasting : bool
        It may take longer than anybody looks at a line that says so.
    hopeless : bool
        Waiting longer is of little use.
    """

    text: str
    lasting: bool = False
    hopeless: bool = False


@dataclass(frozen=True, slots=True)
class Sight:
    """A Job and its pods at one moment.

    Parameters
    ----------
    job : object
        As the client returns it.
    pods : sequence of object
        The oldest first.
    version : str
        Of the list of pods.
    refused : str
        Why there is no pod, where the cluster says so.
    """

    job: Any = field(repr=False)
    pods: Sequence[Any] = field(default=(), repr=False)
    version: str = ""
    refused: str = ""

    def printing(self) -> Iterator[tuple[str, str, int]]:
        """Yield the pods that print or have printed something, with their first containers, and how often those were started again."""
        for pod in self.pods:
            status = _first(pod)
            if status is not None and (status.state.running or status.state.terminated):
                yield str(pod.metadata.name), str(pod.spec.containers[0].name), int(status.restart_count or 0)

    def after(self, pod: Any) -> Sight:  # noqa: ANN401 - the client's object
        """Return what is to be seen when one of the pods has changed."""
        others = [one for one in self.pods if one.metadata.name != pod.metadata.name]
        return replace(self, pods=sorted([*others, pod], key=lambda one: one.metadata.creation_timestamp))

    @property
    def _without_pods(self) -> Wait:
        if self.job.spec is not None and self.job.spec.suspend:
            return Wait("the Job is suspended: it has pods when whoever did that lets it go on", lasting=True)
        return Wait(f"no pod can be made: {one_line(self.refused)}", hopeless=True) if self.refused else Wait("waiting for a pod")

    @property
    def waits_for(self) -> Wait:
        """Return what it waits for; of an empty text when it runs."""
        if not self.pods:
            return self._without_pods
        pod = self.pods[-1]
        for status in (*(pod.status.init_container_statuses or ()), *(pod.status.container_statuses or ())):
            waiting = status.state.waiting
            if waiting is not None and waiting.reason in _HOPELESS:
                told = one_line(waiting.message or "")
                text = f"pod {pod.metadata.name}: {_HOPELESS[waiting.reason]} ({waiting.reason}{': ' + told if told else ''})"
                return Wait(text, hopeless=True)
        for condition in pod.status.conditions or ():
            if condition.type == "PodScheduled" and condition.status == "False":
                text = f"pod {pod.metadata.name} cannot be scheduled: {one_line(condition.message or condition.reason or '')}"
                return Wait(text, lasting=True)
        first = _first(pod)
        if first is None or first.state.waiting is not None:
            again = first is not None and bool(first.restart_count)
            return Wait(f"pod {pod.metadata.name} is being started{' again' if again else ''}", lasting=again)
        others = [status.name for status in pod.status.container_statuses or () if status.state.running]
        if first.state.terminated is not None and others:
            return Wait(f"the entry point has ended, and pod {pod.metadata.name} waits for its other containers: {', '.join(others)}", lasting=True)
        return Wait("")

    @property
    def outcome(self) -> Outcome | None:
        """Return how the Job ended; None while it goes on."""
        for condition in self.job.status.conditions or ():
            if condition.status == "True" and condition.type == "Complete":
                return Outcome(0)
            if condition.status == "True" and condition.type == "Failed":
                if condition.reason == "DeadlineExceeded":
                    return Outcome(_TIMEOUT_CODE, "timeout: the Job was active for longer than the template's activeDeadlineSeconds")
                return self._failure(f"the Job failed: {one_line(condition.message or condition.reason or '')}")
        return None

    @property
    def last_word(self) -> Outcome | None:
        """Return how the last pod ended, which is all there is when the Job is gone; None when it had not ended."""
        phase = self.pods[-1].status.phase if self.pods else ""
        return Outcome(0) if phase == "Succeeded" else self._failure("the pod failed") if phase == "Failed" else None

    def _failure(self, otherwise: str) -> Outcome:
        """Return what the last pod's containers say."""
        for pod in reversed(self.pods):
            first = _first(pod)
            ended = first.state.terminated if first is not None else None
            if ended is not None and ended.exit_code:
                code = int(ended.exit_code)
                word = _word(ended.message)
                if word:
                    return Outcome(code, str(word.get("reason", "")), cell=word.get("cell"))
                if ended.reason == _OOM:
                    return Outcome(code, f"the container needed more memory than its limit ({_OOM})")
                return Outcome(code, ended_with(code))
            for status in (*(pod.status.init_container_statuses or ()), *(pod.status.container_statuses or ())):
                other = status.state.terminated
                if other is not None and other.exit_code:
                    return Outcome(1, f"container {status.name!r} ended with exit code {other.exit_code}")
            if pod.status.reason:  # evicted, its node lost
                return Outcome(1, f"pod {pod.metadata.name}: {pod.status.reason}: {one_line(pod.status.message or '')}".rstrip(": "))
        return Outcome(1, otherwise)


def _first(pod: Any) -> Any:  # noqa: ANN401 - the client's object
    """Return the state of a pod's first container, in the order of its specification."""
    name = pod.spec.containers[0].name
    return next((status for status in pod.status.container_statuses or () if status.name == name), None)


def _word(message: str | None) -> dict[str, Any]:
    """Return what the program that carries a notebook has left as its last word; nothing for other programs."""
    try:
        word = json.loads(message or "")["nbproj"]
    except (ValueError, TypeError, KeyError):
        return {}
    return word if isinstance(word, dict) else {}
