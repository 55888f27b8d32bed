"""Sandboxes: places where untrusted Rust is compiled and run."""

from rusteval.judging.sandbox.base import Sandbox, SandboxError
from rusteval.judging.sandbox.select import SandboxMode, choose_sandbox
from rusteval.judging.sandbox.self_test import SelfTestReport

__all__ = ["Sandbox", "SandboxError", "SandboxMode", "SelfTestReport", "choose_sandbox"]
