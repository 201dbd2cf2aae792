"""The part of a form that is not the entry point's: environment, backend, experiment, name of the run."""

from __future__ import annotations

from typing import Any

from nbproj.backends.registry import known_backends
from nbproj.order import ENV_MANAGERS
from nbproj.project.model import EnvironmentSpec
from nbproj.widgets.controls import LABEL_WIDTH

__all__ = ["Settings"]


class Settings:
    """What surrounds a run, behind a toggle.

    Parameters
    ----------
    environment : EnvironmentSpec
        What the entry point says that it needs.

    Examples
    --------
    >>> settings = Settings(EnvironmentSpec())
    >>> settings.experiment.value = "wine"
    >>> settings.chosen
    {'experiment_name': 'wine'}
    """

    def __init__(self, environment: EnvironmentSpec) -> None:
        import ipywidgets

        common: dict[str, Any] = {"style": {"description_width": LABEL_WIDTH}, "layout": {"width": "430px", "max_width": "100%"}}
        own = f"the project's own ({environment.kind}{f', {environment.file}' if environment.file else ''})"
        managers = [(own, "")] if environment.kind == "docker" else [(own, ""), *((name, name) for name in ENV_MANAGERS)]
        self.environment = ipywidgets.Dropdown(description="environment", options=managers, value="", **common)
        backends = [("as configured", ""), *((name, name) for name in known_backends())]
        self.backend = ipywidgets.Dropdown(description="backend", options=backends, value="", **common)
        self.experiment = ipywidgets.Text(description="experiment", placeholder="as configured", **common)
        self.run_name = ipywidgets.Text(description="name of the run", placeholder="made up", **common)
        self.rows = (self.environment, self.backend, self.experiment, self.run_name)
        self.toggle = ipywidgets.ToggleButton(description="Settings", tooltip="environment, backend, experiment, name of the run")
        self.box = ipywidgets.VBox(self.rows, layout={"display": "none", "margin": "4px 0"})
        self.toggle.observe(lambda change: setattr(self.box.layout, "display", "" if change["new"] else "none"), names="value")

    @property
    def chosen(self) -> dict[str, str]:
        """What differs from what is configured, in the words of `nbproj.run`."""
        given = {
            "env_manager": self.environment.value,
            "backend": self.backend.value,
            "experiment_name": self.experiment.value.strip(),
            "run_name": self.run_name.value.strip(),
        }
        return {name: value for name, value in given.items() if value}
