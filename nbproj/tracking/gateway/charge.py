"""What one gateway is in charge of: a run with its children, their experiment, and the models they make."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from nbproj.tracking.gateway.family import PARENT_TAG, Family
from nbproj.tracking.gateway.refused import deny, not_found
from nbproj.tracking.mlflow_store import MlflowStore

__all__ = ["Charge"]

_OURS = "nbproj."


@dataclass(frozen=True, slots=True)
class Charge:
    """The scope of a gateway.

    Parameters
    ----------
    store : MlflowStore
        Where everything is recorded.
    family : Family
        The runs.
    experiment_id : str
        Their experiment.
    mask : callable
        Masks secrets in a text.
    """

    store: MlflowStore
    family: Family
    experiment_id: str
    mask: Callable[[str], str]
    _roots: dict[str, str] = field(default_factory=dict)

    def run(self, message: Any) -> str:  # noqa: ANN401 - MLflow's messages have no common type
        """Return the run that a message speaks of, under its present or its old name, if it may."""
        return self.family.require(message.run_id or getattr(message, "run_uuid", ""))

    def model(self, model_id: str) -> Any:  # noqa: ANN401 - MLflow's entity
        """Return a logged model that a run of the family has made.

        Raises
        ------
        Refused
            There is none of that name here.
        """
        model = None
        if model_id and "/" not in model_id:
            model = self.store.consult("read a model", lambda backing: backing.get_logged_model(model_id))
        if model is None or not model.source_run_id or not self.family.holds(model.source_run_id):
            msg = f"Logged model with ID '{model_id[:64]}' not found."
            raise not_found(msg, note="speak of models that this run has not made")
        return model

    def text_items(self, items: Iterable[Any]) -> dict[str, str]:
        """Return names and values of tags or parameters with every secret masked."""
        return {self.mask(item.key): item.value if item.key == PARENT_TAG else self.mask(item.value) for item in items}

    def require_tags(self, run_id: str, names: Iterable[str]) -> None:
        """Refuse tags by which nbproj itself tells of its run: what they say must be true.

        Raises
        ------
        Refused
            One of them is such a tag.
        """
        if run_id == self.family.run_id and any(name.startswith(_OURS) or name == PARENT_TAG for name in names):
            deny("change the tags that nbproj keeps of its run")

    def require_parent(self, tags: dict[str, str]) -> None:
        """Refuse a parent that is not of the family."""
        if PARENT_TAG in tags:
            self.family.require(tags[PARENT_TAG])

    def run_message(self, run: Any) -> Any:  # noqa: ANN401 - from one of MLflow's types to another
        """Return a run as a client is told of it: its artifacts are to be had here."""
        message = run.to_proto()
        message.info.artifact_uri = self.artifacts_of(run.info.run_id)
        return message

    def model_message(self, model: Any) -> Any:  # noqa: ANN401 - as above
        """Return a logged model as a client is told of it."""
        message = model.to_proto()
        message.info.artifact_uri = f"mlflow-artifacts:/{self.experiment_id}/models/{model.model_id}/artifacts"
        return message

    def artifacts_of(self, run_id: str) -> str:
        """Return the address under which a client finds the artifacts of a run."""
        return f"mlflow-artifacts:/{self.experiment_id}/{run_id}/artifacts"

    def run_root(self, run_id: str) -> str:
        """Return where the artifacts of a run really are."""
        if run_id not in self._roots:
            self._roots[run_id] = self.store.get_run(self.family.require(run_id)).artifact_uri
        return self._roots[run_id]

    def model_root(self, model_id: str) -> str:
        """Return where the files of a logged model really are."""
        if model_id not in self._roots:
            self._roots[model_id] = str(self.model(model_id).artifact_location)
        return self._roots[model_id]
