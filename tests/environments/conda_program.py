"""`conda` for tests: the commands that nbproj uses, over py-rattler - a real solver, real packages. Only the reading of arguments is the tests' own.

Called by a script that puts the root folder in front of the arguments.
"""

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path

import yaml
from rattler import Channel, Gateway, MatchSpec, Subdir, VirtualPackage, install, solve


async def make(prefix: Path, channels: list[str], specs: list[str]) -> None:
    """Solve and install."""
    records = await solve(
        [Channel(channel) for channel in channels if channel != "nodefaults"],
        [MatchSpec(spec) for spec in specs],
        gateway=Gateway(),
        platforms=[Subdir.current(), Subdir("noarch")],
        virtual_packages=VirtualPackage.detect(),
    )
    await install(records, target_prefix=prefix, show_progress=False, execute_link_scripts=True)


def own_channels() -> list[str]:
    """Return the channels of the user's settings."""
    return yaml.safe_load(Path(os.environ["CONDARC"]).read_text())["channels"]


def exact(line: str) -> tuple[str, str]:
    """Return the channel of a package and what asks for exactly that one."""
    url, _, digest = line.partition("#sha256:")
    channel, _subdir, file = url.rsplit("/", 2)
    name, version, build = file.removesuffix(".tar.bz2").rsplit("-", 2)
    return channel, f"{name}=={version}={build}[sha256={digest}]"


def main(root: Path, arguments: list[str]) -> int:
    """Do what a conda does with these arguments."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / "called.txt").open("a") as called:
        called.write(json.dumps(arguments) + "\n")
    if arguments == ["--version"]:
        print("conda 26.7.0")
        return 0
    words = arguments[1:] if arguments[:1] == ["env"] else arguments
    parser = argparse.ArgumentParser("conda")
    command = parser.add_subparsers(required=True).add_parser("create")
    command.add_argument("-y", "--yes", action="store_true")
    command.add_argument("-p", "--prefix", type=Path, required=True)
    command.add_argument("-f", "--file", type=Path, required=True)
    given = parser.parse_args(words)
    if given.prefix.exists():
        print(f"CondaValueError: prefix already exists: {given.prefix}", file=sys.stderr)
        return 1
    text = given.file.read_text()
    print("Collecting package metadata: done")
    if text.startswith("@EXPLICIT"):
        wanted = [exact(line) for line in text.splitlines()[1:]]
        asyncio.run(make(given.prefix, sorted({channel for channel, _ in wanted}), [spec for _, spec in wanted]))
    else:
        wanted = json.loads(text)
        asyncio.run(make(given.prefix, wanted.get("channels") or own_channels(), wanted["dependencies"]))
    return 0


if __name__ == "__main__":
    try:
        code = main(Path(sys.argv[1]), sys.argv[2:])
    except Exception as error:  # noqa: BLE001 - those of py-rattler have no base of their own
        # As conda itself puts it: the name of the error in front of what the solver says.
        print(f"Solving environment: failed\n\n{type(error).__name__}: {error}", file=sys.stderr)
        code = 1
    sys.stdout.flush()
    os._exit(code)  # threads of py-rattler would crash the interpreter's own end
