"""The routes, a noun each."""

from __future__ import annotations

__all__: list[str] = []
