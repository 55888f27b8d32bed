# ruff: noqa: INP001, S606  (a program of the harness, no module of the library; it becomes uv)
"""Run `uv pip install ARGUMENT...` for this environment: with pip's registries, and with the constraints.

uv reads neither pip.conf nor PIP_*, so it is given what they say, unless it has settings of its own. Addresses go by
the environment, since they may hold passwords. An index in RUSTEVAL_INDEX comes first.
"""

import ast
import os
import subprocess
import sys
from pathlib import Path

OWN_SETTINGS = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_CONFIG_FILE")
# pip's setting: uv's variable, and what separates several values in it
TAKEN_OVER = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "no-index": ("UV_NO_INDEX", " "),
    "cert": ("SSL_CERT_FILE", " "),
}


def pip_settings() -> dict[str, str]:
    """Return pip's settings, by its order of weight."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], check=True, capture_output=True, text=True
    ).stdout
    found = dict(line.split("=", 1) for line in listed.splitlines())
    merged = {}
    for section in ("global", "install", ":env:"):
        for key in TAKEN_OVER:
            if f"{section}.{key}" in found:
                merged[key] = str(ast.literal_eval(found[f"{section}.{key}"]))
    return merged


def settings(given: dict[str, str]) -> dict[str, str]:
    """Return what to add to the given environment."""
    added = {"UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
    added |= {
        name: given.get(name) or value
        for name, value in (("UV_HTTP_TIMEOUT", "120"), ("UV_HTTP_RETRIES", "5"))
    }
    if not any(given.get(name) for name in OWN_SETTINGS):
        for key, value in pip_settings().items():
            name, separator = TAKEN_OVER[key]
            added[name] = given.get(name) or separator.join(value.split())
        # pip weighs all its registries alike
        added["UV_INDEX_STRATEGY"] = given.get("UV_INDEX_STRATEGY") or "unsafe-best-match"
    if given.get("RUSTEVAL_INDEX"):
        others = added.get("UV_INDEX") or given.get("UV_INDEX", "")
        added["UV_INDEX"] = f"{given['RUSTEVAL_INDEX']} {others}".strip()
        added["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return added


def main(arguments: list[str]) -> None:
    """Become uv."""
    uv, constraints = f"{sys.prefix}/bin/uv", Path(sys.prefix, "constraints.txt")
    command = [uv, "pip", "install", "--python", f"{sys.prefix}/bin/python"]
    if constraints.exists():
        command += ["--constraint", str(constraints)]
    os.execve(uv, [*command, *arguments], os.environ | settings(dict(os.environ)))


if __name__ == "__main__":
    main(sys.argv[1:])
