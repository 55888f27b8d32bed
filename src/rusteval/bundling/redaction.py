"""What a stranger must not see of a run: places on the machine that it ran on, and secrets.

Answers are never changed: a verdict on them could not be repeated.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rusteval.judging.verdict import MESSAGES, Verdict

PLACE = "[path]"
SECRET = "[secret]"  # noqa: S105 -- the mark that stands for one

# What the set-up says of the machine as such; its other entries name places, or say how it came about.
_SETUP_KEPT = frozenset(
    (
        *("schema_version", "mode", "result", "started", "finished", "validated_regime", "demo"),
        *("host", "gpu", "python", "torch", "torch_profile", "vllm", "rustc", "sandbox", "attention"),
        "warnings",
    )
)
_LEAST_SECRET = 8

# An absolute path of two parts or more; what stands after a scheme (`https://`) or a word is none.
_PATH = re.compile(r"(?:file://|(?<![\w/.~-]))/(?!/)(?:[^\s/\"'`,;:()<>|\[\]]+/)+[^\s/\"'`,;:()<>|\[\]]*")
_HOME = re.compile(r"(?:/home/[^/\s\"'`]+|/Users/[^/\s\"'`]+|/root)(?![^/\s\"'`:,;)])")
_HOME_ITSELF = re.compile(r"/(?:(?:var/|export/)?home|Users)/[^/]+|/root")
# Somebody's home by a path that is not absolute.
_OTHER_HOME = re.compile(r"(?:\.\./)+(?:home|Users)/[^\s/\"'`,;:]+|(?<![\w/])~[\w.-]+(?=/)")
# An environment variable set in a text; only names in capitals are surely none of a program's own.
_SETTING = re.compile(
    r"\b((?:[A-Z0-9]+_)*(?:TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?|API_?KEY)(?:_[A-Z0-9]+)*=)[^\s\"';\[]+"
)
_USER_OF_ADDRESS = re.compile(r"(?<=://)[^/\s@]+(?=@)")
_TOKEN = re.compile(
    r"\b(?:hf_[A-Za-z0-9]{16,}|sk-[A-Za-z0-9_-]{16,}|xai-[A-Za-z0-9]{16,}|gh[opsur]_[A-Za-z0-9]{16,}"
    r"|github_pat_\w{16,}|AIza[\w-]{30,}|AKIA[A-Z0-9]{16}|xox[abprs]-[\w-]{10,})"
)
_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|API_?KEY", re.IGNORECASE)


@dataclass(kw_only=True)
class Redactor:
    """Takes out what is private, and counts it.

    Args:
        environ: the environment whose secrets are looked for, by the names of its variables.
        home: the home directory of whoever bundles.
    """

    environ: Mapping[str, str]
    home: Path
    paths: int = 0
    secrets: int = 0
    setup_keys: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Collect the secrets that the environment holds."""
        self._known = [
            value
            for name, value in self.environ.items()
            if _SECRET_NAME.search(name) and len(value) >= _LEAST_SECRET
        ]

    def document(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return a run's metadata without private parts: of the set-up only what describes the machine."""
        setup = document.get("setup")
        if not isinstance(setup, dict):
            return dict(self.value(document))
        self.setup_keys = sorted(setup.keys() - _SETUP_KEPT)
        kept = {key: value for key, value in setup.items() if key in _SETUP_KEPT}
        return dict(self.value({**document, "setup": kept}))

    def value(self, value: Any) -> Any:
        """Return a JSON value with every text in it redacted."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self.value(part) for key, part in value.items()}
        return [self.value(part) for part in value] if isinstance(value, list | tuple) else value

    def text(self, text: str) -> str:
        """Return a text with secrets marked, and of each path only its last part."""
        if text.startswith("/") and text.count("/") > 1 and "\n" not in text:
            self.paths += 1
            return self._without_secrets(self._last_part(text))
        text, found = _PATH.subn(lambda match: self._last_part(match[0]), text)
        text, more = _OTHER_HOME.subn(PLACE, text)
        self.paths += found + more
        return self._without_secrets(text)

    def _last_part(self, path: str) -> str:
        """Return what is left of an absolute path; of a home directory that is no name."""
        place = Path(path.removeprefix("file://"))
        own = place == self.home or _HOME_ITSELF.fullmatch(str(place))
        return PLACE if own or place.name == self.home.name else f"{PLACE}/{place.name}"

    def verdict(self, verdict: Verdict) -> Verdict:
        """Return a verdict whose messages name no home, and whose sample says no more than a model's name."""
        said = {key: self._message(getattr(verdict, key)) for key in MESSAGES}
        extra = verdict.sample.model_extra or {}
        own = {"model": self.value(verdict.sample.model), **{k: self.value(v) for k, v in extra.items()}}
        return verdict.model_copy(update={**said, "sample": verdict.sample.model_copy(update=own)})

    def _message(self, text: str) -> str:
        text = text.replace(f"{self.home}/", "~/") if self.home != Path("/") else text
        text, found = _HOME.subn("~", text)
        self.paths += found
        return self._without_secrets(text)

    def _without_secrets(self, text: str) -> str:
        for secret in self._known:
            if secret in text:
                self.secrets += text.count(secret)
                text = text.replace(secret, SECRET)
        text, found = _SETTING.subn(rf"\1{SECRET}", text)
        self.secrets += found
        for pattern in (_TOKEN, _USER_OF_ADDRESS):
            text, found = pattern.subn(SECRET, text)
            self.secrets += found
        return text

    def told(self) -> list[str]:
        """Return what was done, one sentence each."""
        lines = [f"{self.paths} absolute paths: only the last part of each is left, after {PLACE}"]
        if self.secrets:
            lines.append(f"{self.secrets} secrets in metadata and messages: replaced by {SECRET}")
        if self.setup_keys:
            lines.append(f"of the set-up's summary: {', '.join(self.setup_keys)}")
        return lines
