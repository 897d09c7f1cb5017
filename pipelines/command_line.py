"""What all commands share: options, and standard error."""

from typing import Annotated

import typer
from rich.console import Console

errors = Console(stderr=True, soft_wrap=True, highlight=False)

ProfileOption = Annotated[
    str | None, typer.Option("--profile", "-p", help="A bundled profile or the path of your own .yaml.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON for programs.")]
