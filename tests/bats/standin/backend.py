"""A build backend without dependencies, so that tests can install a checkout offline."""

import zipfile
from pathlib import Path

NAME = "rusteval-0.1.0"


def build_editable(
    wheel_directory: str, config_settings: object = None, metadata_directory: object = None
) -> str:
    """Write a wheel that points to src/ and has the console script."""
    files = {
        "rusteval_standin.pth": str(Path("src").resolve()) + "\n",
        f"{NAME}.dist-info/METADATA": "Metadata-Version: 2.1\nName: rusteval\nVersion: 0.1.0\n",
        f"{NAME}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: standin\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{NAME}.dist-info/entry_points.txt": "[console_scripts]\nrusteval = rusteval.cli:main\n",
    }
    files[f"{NAME}.dist-info/RECORD"] = "".join(f"{name},,\n" for name in files)
    wheel = f"{NAME}-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory) / wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return wheel
