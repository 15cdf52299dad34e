"""A project's code: packed from a commit or from the working tree, and unpacked where it runs."""

from __future__ import annotations

from core.projects.adhoc_packer import pack_working_tree
from core.projects.code_archive import PackedCode
from core.projects.git_code import pack_commit
from core.projects.unpack import unpack

__all__ = ["PackedCode", "pack_commit", "pack_working_tree", "unpack"]
