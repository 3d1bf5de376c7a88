"""Tries what the release workflow runs, in small repositories and with a `docker` that only takes notes: deploy/publish and deploy/check-changelog --version.

Prints what is wrong as one JSON object; takes edits on standard input, as check_deployment.py does.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

# Beside the tests' sources nothing is left behind.
sys.dont_write_bytecode = True

from check_deployment import ROOT, begin, edits, problem, problems, read, tried

PUBLISH = "deploy/publish"
CHANGELOG = "deploy/check-changelog"
USER, TOKEN = "robot", "open-sesame"
IMAGE = "registry.example/owner/carryon"
# Fails at what DOCKER_FAILS names.
DOCKER = """#!/bin/sh
printf '%s' "$*" >> "$DOCKER_NOTES"
[ "$1" != login ] || printf ' < %s' "$(cat)" >> "$DOCKER_NOTES"
echo >> "$DOCKER_NOTES"
case "$*" in "$DOCKER_FAILS"*) [ -z "$DOCKER_FAILS" ] ;; esac
"""
LOGIN = f"login registry.example --username {USER} --password-stdin < {TOKEN}"
LOGOUT = "logout registry.example"


def place(folder, path, text, executable=False):
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text, encoding="utf-8")
    if executable:
        (folder / path).chmod(0o755)


def git(folder, *arguments, text=None):
    own = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    named = ["-c", "user.name=author", "-c", "user.email=author@example.com"]
    subprocess.run(["git", *named, *arguments], cwd=folder, env=os.environ | own, input=text, check=True, capture_output=True, text=True)


def published(folder, tag, user=USER, token=TOKEN, fails=""):
    """The status, what docker was told, and what was said."""
    notes = folder / "notes"
    notes.write_text("")
    given = {"REGISTRY": "registry.example", "REPOSITORY": "Owner/Carryon", "DOCKER_NOTES": str(notes), "DOCKER_FAILS": fails}
    secrets = {"REGISTRY_USER": user, "REGISTRY_TOKEN": token}
    environment = {name: value for name, value in os.environ.items() if name not in secrets}
    environment |= given | {name: value for name, value in secrets.items() if value is not None}
    environment["PATH"] = f"{folder / 'bin'}:{environment['PATH']}"
    arguments = [] if tag is None else [tag]
    done = subprocess.run([folder / PUBLISH, *arguments], cwd="/", env=environment, capture_output=True, text=True)
    return done.returncode, notes.read_text().splitlines(), done.stdout + done.stderr


def told(*names):
    """What docker is told to publish the image under these names."""
    pushed = [word for name in names for word in (f"tag carryon:built {IMAGE}:{name}", f"push {IMAGE}:{name}")]
    return [LOGIN, *pushed, LOGOUT]


def check_publish(folder):
    place(folder, PUBLISH, read(PUBLISH), executable=True)
    place(folder, "bin/docker", DOCKER, executable=True)
    git(folder, "init", "--quiet")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "one")
    tags = ["v0.9.0", "v1.9.0", "v1.9.1", "v1.10.0", "v1.11.0-rc.2", "v1.11.0-rc.9", "v1.11.0-rc.10", "v1.10.0-rc.1", "vnext", "v2-beta"]
    git(folder, "update-ref", "--stdin", text="".join(f"create refs/tags/{tag} HEAD\n" for tag in tags))
    cases = [
        ("the newest release", "v1.10.0", told("1.10.0", "latest")),
        ("a repair of an older release", "v1.9.1", told("1.9.1")),
        ("the newest version before a release", "v1.11.0-rc.10", told("1.11.0-rc.10", "beta")),
        ("an older version before a release", "v1.11.0-rc.9", told("1.11.0-rc.9")),
        ("a version before a release that is out", "v1.10.0-rc.1", told("1.10.0-rc.1")),
    ]
    for name, tag, expected in cases:
        status, calls, said = published(folder, tag)
        if (status, calls) != (0, expected):
            problem(PUBLISH, f"{name}, {tag}: status {status}, {calls}, {said}")
        if TOKEN in said:
            problem(PUBLISH, f"{name}: tells the token")
    for user, token in ((USER, None), (USER, ""), (None, TOKEN), ("", TOKEN), (None, None), ("", "")):
        status, calls, said = published(folder, "v1.10.0", user, token)
        if (status, calls) != (0, []) or "::notice::" not in said:
            problem(PUBLISH, f"user {user!r} and token {token!r}: status {status}, {calls}, {said}")
    for tag in (None, "", "main", "vnext", "v2-beta", "1.10.0", "v1.10", "v1.10.0 --all"):
        status, calls, said = published(folder, tag)
        if (status, calls) != (2, []):
            problem(PUBLISH, f"the tag {tag!r}: status {status}, {calls}, {said}")
    failures = [
        ("login", [LOGIN, LOGOUT]),
        (f"push {IMAGE}:1.10.0", told("1.10.0")),
        (f"push {IMAGE}:latest", told("1.10.0", "latest")),
    ]
    for fails, expected in failures:
        status, calls, said = published(folder, "v1.10.0", fails=fails)
        if status == 0 or calls != expected:
            problem(PUBLISH, f"docker fails at {fails}: status {status}, {calls}, {said}")


def check_changelog(folder):
    place(folder, CHANGELOG, read(CHANGELOG), executable=True)
    place(folder, "Sources/CarryonService/Carryon.swift", 'enum Carryon {\n    static let version = "1.2.0"\n}\n')
    entry = "- **Kafka**: it is so.\n"
    cases = [
        ("the program's version, with an entry", "1.2.0", f"## Unreleased\n\n## 1.2.0\n\n{entry}", 0, ""),
        ("no section", "1.2.0", f"## Unreleased\n\n{entry}\n## 1.1.0\n\n{entry}", 1, "no section '## 1.2.0'"),
        ("a section without entries", "1.2.0", f"## 1.2.0\n\nSoon.\n\n## 1.1.0\n\n{entry}", 1, "no section '## 1.2.0'"),
        ("another one's section", "1.2.0", f"## 1.2.0-rc.1\n\n{entry}", 1, "no section '## 1.2.0'"),
        ("another version than the program's", "1.3.0", f"## 1.3.0\n\n{entry}", 1, "says version 1.2.0, not 1.3.0"),
        ("a version before the release", "1.2.0-rc.1", f"## 1.2.0-rc.1\n\n{entry}", 1, "says version 1.2.0, not 1.2.0-rc.1"),
    ]
    for name, version, text, status, words in cases:
        place(folder, "deploy/CHANGELOG.md", "# Changelog\n\n" + text)
        done = subprocess.run([folder / CHANGELOG, "--version", version], cwd=folder, capture_output=True, text=True)
        if done.returncode != status or words not in done.stderr or (status == 0) != (done.stderr == ""):
            problem(CHANGELOG, f"{name}: status {done.returncode}, {done.stderr}")
    for arguments in ([], ["--version"], ["--versions", "1.2.0"]):
        done = subprocess.run([folder / CHANGELOG, *arguments], cwd=folder, capture_output=True, text=True)
        if done.returncode != 2:
            problem(CHANGELOG, f"{arguments}: status {done.returncode}")


def main():
    begin()
    for check, path in ((check_publish, PUBLISH), (check_changelog, CHANGELOG)):
        # With edits the other one is as it was.
        if edits and not any(edit["file"] == path for edit in edits):
            continue
        with tempfile.TemporaryDirectory(prefix="carryon-publishing") as folder:
            tried(check, Path(folder))
        if not os.access(ROOT / path, os.X_OK):
            problem(path, "may not be run")
    print(json.dumps({"problems": problems}, ensure_ascii=False))


main()
