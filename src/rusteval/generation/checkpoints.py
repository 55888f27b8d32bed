"""Where a model lies: a local folder, a hub repository, or a checkpoint folder inside one."""

import hashlib
import importlib.util
import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, constants, get_token, hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from rusteval.errors import InputError
from rusteval.files import sha256_file

ADAPTER_CONFIG = "adapter_config.json"
MODEL_CONFIG = "config.json"

# org/repo[/folder/inside][@revision]; a hub name has one or two parts
_HUB_NAME = re.compile(
    r"(?P<repo>[\w.-]+(/[\w.-]+)?)(?P<subfolder>(/[\w.-]+)*)(@(?P<revision>[\w./-]+))?", re.ASCII
)

_DESCRIBED = (
    MODEL_CONFIG,
    "generation_config.json",
    ADAPTER_CONFIG,
    "tokenizer*",
    "special_tokens_map.json",
    "vocab.*",
    "merges.txt",
    "chat_template*",
    "*.model",
    "*.safetensors",
    "*.safetensors.index.json",
    "pytorch_model*.bin",
    "adapter_model.bin",
)
_WEIGHT_SUFFIXES = frozenset({".safetensors", ".bin"})


@dataclass(frozen=True, kw_only=True)
class ModelSource:
    """One model or adapter, found and pinned.

    Attributes:
        name: what the user wrote.
        path: local folder, or None for a model of the hub.
        repo: hub repository, or None for a local folder.
        revision: commit that the name stood for when it was looked up; None for a local folder.
        subfolder: folder inside the repository, "" for its root.
        is_adapter: whether this is a PEFT adapter, to be put on a base model.
        config: the content of its `adapter_config.json` or `config.json`.
    """

    name: str
    path: Path | None
    repo: str | None
    revision: str | None
    subfolder: str
    is_adapter: bool
    config: dict[str, Any]

    @property
    def location(self) -> str:
        """What the loaders of transformers and PEFT take as the model's name."""
        return str(self.path) if self.path is not None else str(self.repo)

    @property
    def load_options(self) -> dict[str, str]:
        """The loaders' keyword arguments beside the name."""
        if self.path is not None:
            return {}
        return {"revision": str(self.revision), "subfolder": self.subfolder}

    def file(self, name: str) -> Path | None:
        """Return a file of the model, downloaded where it must be, or None where the model has no such file.

        Raises:
            InputError: it cannot be fetched.
        """
        if self.path is not None:
            return self.path / name if (self.path / name).is_file() else None
        return _hub_file(str(self.repo), name, subfolder=self.subfolder, revision=str(self.revision))


def resolve_model(text: str) -> ModelSource:
    """Find a model by what a user writes: an existing folder, else `org/repo[/folder][@revision]` on the hub.

    Args:
        text: folder or hub name; a folder that exists wins.

    Raises:
        InputError: there is no such model, or no permission to read it, or it is not a model.
    """
    folder = Path(text).expanduser()
    if folder.exists():
        return _local(text, folder)
    match = _HUB_NAME.fullmatch(text)
    if match is None or text.startswith((".", "/", "~")):
        raise InputError(
            f"{text}: no such folder, and not a name of the form organisation/repository[/folder]"
        )
    return _hub(text, match["repo"], match["subfolder"].strip("/"), match["revision"])


def _local(text: str, folder: Path) -> ModelSource:
    for name in (ADAPTER_CONFIG, MODEL_CONFIG):
        if (folder / name).is_file():
            return ModelSource(
                name=text,
                path=folder.resolve(),
                repo=None,
                revision=None,
                subfolder="",
                is_adapter=name == ADAPTER_CONFIG,
                config=_read_config(folder / name),
            )
    inside = (
        sorted(path.parent.name for path in folder.glob(f"*/{ADAPTER_CONFIG}")) if folder.is_dir() else []
    )
    hint = f"; it holds {', '.join(inside[:5])}: name one of them" if inside else ""
    raise InputError(f"{text}: is not a model: it has neither {MODEL_CONFIG} nor {ADAPTER_CONFIG}{hint}")


def _hub(text: str, repo: str, subfolder: str, revision: str | None) -> ModelSource:
    for name in (ADAPTER_CONFIG, MODEL_CONFIG):
        path = _hub_file(repo, name, subfolder=subfolder, revision=revision)
        if path is not None:
            return ModelSource(
                name=text,
                path=None,
                repo=repo,
                revision=_commit_of(path),
                subfolder=subfolder,
                is_adapter=name == ADAPTER_CONFIG,
                config=_read_config(path),
            )
    raise InputError(
        f"{text}: {repo} has neither {MODEL_CONFIG} nor {ADAPTER_CONFIG}"
        f"{f' in {subfolder}' if subfolder else ''}{_folders_hint(repo, revision)}"
    )


def _hub_file(repo: str, name: str, *, subfolder: str, revision: str | None) -> Path | None:
    try:
        return Path(hf_hub_download(repo, name, subfolder=subfolder or None, revision=revision))
    except LocalEntryNotFoundError as error:
        if constants.HF_HUB_OFFLINE:
            if _known_absent(repo, name, subfolder=subfolder, revision=revision):
                return None
            raise InputError(
                f"{repo}: not in the local model cache, and HF_HUB_OFFLINE forbids to fetch it; unset it"
            ) from error
        if isinstance(error.__cause__, HfHubHTTPError):  # it did answer, only not with the file
            raise InputError(_refusal(repo, error.__cause__)) from error
        raise InputError(
            f"{repo}: the hub at {constants.ENDPOINT} cannot be reached and the model is not in the local cache; "
            "check the network, or give a local folder"
        ) from error
    except EntryNotFoundError:
        return None
    except (HfHubHTTPError, HFValidationError) as error:
        raise InputError(_refusal(repo, error)) from error
    except OSError as error:
        raise InputError(f"{repo}: {name} cannot be fetched: {first_line(error)}") from error


def _known_absent(repo: str, name: str, *, subfolder: str, revision: str | None) -> bool:
    """Return whether the cache holds this very folder of the repository, only without the file.

    Offline, a file that the repository lacks and one that was never fetched look the same.
    """
    others = {ADAPTER_CONFIG, MODEL_CONFIG, "tokenizer_config.json"} - {name}
    for other in sorted(others):
        try:
            hf_hub_download(
                repo, other, subfolder=subfolder or None, revision=revision, local_files_only=True
            )
        except (LocalEntryNotFoundError, HFValidationError):
            continue
        return True
    return False


def _refusal(repo: str, error: HfHubHTTPError | HFValidationError) -> str:
    """Say what the hub's answer means; gated, missing and unauthorised look alike in its own messages."""
    page = f"{constants.ENDPOINT}/{repo}"
    status = None if isinstance(error, HFValidationError) else getattr(error.response, "status_code", None)
    match error:
        case GatedRepoError() if get_token() is None:
            meaning = f"gated, and you gave no token; accept its terms at {page}, then set HF_TOKEN or run `hf auth login`"
        case GatedRepoError():
            meaning = f"gated, and the account of your token has no access; ask for it at {page}"
        case RevisionNotFoundError():
            meaning = f"has no such revision; see {page}"
        case RepositoryNotFoundError() if get_token() is None:
            meaning = "no such model on the hub (a private one needs HF_TOKEN or `hf auth login`)"
        case RepositoryNotFoundError():
            meaning = "no such model on the hub, or a private one that the account of your token cannot read"
        case _ if status == HTTPStatus.UNAUTHORIZED:
            meaning = "the hub refuses your token as invalid; renew HF_TOKEN or run `hf auth login`"
        case _ if status == HTTPStatus.FORBIDDEN:
            meaning = f"your token may not read this model; give it read access, or ask for access at {page}"
        case HFValidationError():
            meaning = f"not a name of a model: {first_line(error)}"
        case _:
            meaning = f"the hub answers {first_line(error)}; try again later"
    return f"{repo}: {meaning}"


def transport_errors() -> tuple[type[Exception], ...]:
    """Return what the hub's library raises where the network is missing; newer ones use httpx, whose errors differ."""
    present = [name for name in ("httpx", "httpx2") if importlib.util.find_spec(name) is not None]
    return (OSError, *(importlib.import_module(name).HTTPError for name in present))


def _folders_hint(repo: str, revision: str | None) -> str:
    if constants.HF_HUB_OFFLINE:
        return ""
    try:
        files = HfApi().list_repo_files(repo, revision=revision)
    except (HfHubHTTPError, *transport_errors()) as error:
        return f" (its files cannot be listed: {first_line(error)})"
    folders = sorted(
        {str(Path(file).parent) for file in files if Path(file).name in {ADAPTER_CONFIG, MODEL_CONFIG}}
    )
    named = ["its root" if folder == "." else folder for folder in folders]
    return f"; there are {', '.join(named[-5:])}" if named else ""


def _commit_of(cached: Path) -> str:
    parts = cached.parts
    return parts[len(parts) - 1 - parts[::-1].index("snapshots") + 1]


def _read_config(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as JSON: {first_line(error)}") from error
    if not isinstance(value, dict):
        raise InputError(f"{path}: is not a JSON object")
    return value


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message: libraries write whole pages."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def describe_model(source: ModelSource) -> dict[str, Any]:
    """Return what pins a model: name, commit, and each file's size and hash.

    A file of the hub is known by its hash in the cache (its etag, for large files their SHA-256); the weights of
    a local folder are read and hashed. Call it after loading: only files that were fetched are described.

    Args:
        source: a model that `resolve_model` found.
    """
    files: dict[str, Any] = {}
    for path in _files(source):
        entry: dict[str, Any] = {"bytes": path.stat().st_size}
        if source.path is None and path.suffix in _WEIGHT_SUFFIXES:
            entry["etag"] = path.resolve().name
        else:
            entry["sha256"] = sha256_file(path)
        files[path.name] = entry
    return {
        "name": source.name,
        "repository": source.repo,
        "path": None if source.path is None else str(source.path),
        "revision": model_revision(source),
        "subfolder": source.subfolder,
        "kind": "adapter" if source.is_adapter else "model",
        "files": files,
    }


def model_revision(source: ModelSource) -> str:
    """Return the commit of a hub model, or for a local folder `sha256:` and a digest of all its model files."""
    if source.revision is not None:
        return source.revision
    digest = hashlib.sha256()
    for path in _files(source):
        digest.update(f"{path.name}\0{sha256_file(path)}\n".encode())
    return f"sha256:{digest.hexdigest()}"


def _files(source: ModelSource) -> list[Path]:
    folder = source.path
    if folder is None:
        config = source.file(ADAPTER_CONFIG if source.is_adapter else MODEL_CONFIG)
        folder = Path() if config is None else config.parent
    found = {path for pattern in _DESCRIBED for path in folder.glob(pattern) if path.is_file()}
    return sorted(found, key=lambda path: path.name)
