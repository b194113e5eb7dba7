"""``python -m deploy [FOLDER]``: write the generated files below a folder, the repository's root if not named."""

import sys
from pathlib import Path

from deploy import chart, compose, monitoring, nginx, secrets
from deploy.services import services

ROOT = Path(__file__).resolve().parent.parent


def files() -> dict[str, str]:
    """Every generated file's text by its path below the root."""
    found = services()
    version = (ROOT / ".version").read_text(encoding="utf-8").strip().removeprefix("v")
    helm = "deploy/helm/waddlebot"
    return {
        "config/nginx/modules.conf": nginx.locations(found),
        "deploy/compose.yaml": compose.compose(found),
        "deploy/make-secrets": secrets.script(found),
        "deploy/waddlebot.env.example": secrets.example(),
        f"{helm}/Chart.yaml": chart.about(version),
        f"{helm}/files/modules.yaml": chart.modules(found),
        f"{helm}/files/alerts.yaml": monitoring.alerts(),
        f"{helm}/files/dashboard.yaml": monitoring.dashboard(),
    }


def main() -> None:
    """Write into the folder that the command line names."""
    root = Path(sys.argv[1]) if sys.argv[1:] else ROOT
    for name, text in files().items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        if text.startswith("#!"):
            path.chmod(0o755)
    sys.stdout.write(f"{len(files())} files for running it below {root}\n")


if __name__ == "__main__":
    main()
