"""The functional tests' world."""

from tests.functional.conftest import owner, whole_world, world

__all__ = ["owner", "whole_world", "world"]
