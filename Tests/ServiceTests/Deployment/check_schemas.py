"""Holds the files that deploy the service against other people's descriptions of what such files may hold.

Those of Kubernetes, Compose and GitHub's workflows come with Python packages, and Prometheus has a program that reads its files; nothing is fetched.
Kustomize, KEDA, the collector and Grafana have none that a package carries: check_deployment.py looks at what matters of theirs. Prints what is wrong as
one JSON object. Takes edits on standard input, as check_deployment.py does, and then looks at the edited files alone.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

# Beside the tests' sources nothing is left behind.
sys.dont_write_bytecode = True

import kubernetes_validate

from check_deployment import ALERTS, COMPOSE, DASHBOARD, KUBERNETES, PROMETHEUS, ROOT, WORKFLOWS, begin, document, documents, edits, problem, problems, read, tried

# The oldest one that kustomization.yaml promises, and the newest that the package describes.
KUBERNETES_VERSIONS = ("1.27", "1.37")
SCALER = f"{KUBERNETES}/scaledobject.yaml"
UNDESCRIBED = {"Kustomization", "ScaledObject"}
PROMTOOL = Path(sys.executable).with_name("promtool")


def wanted(*paths):
    return not edits or any(edit["file"] in paths for edit in edits)


def check_kubernetes():
    for path in sorted((ROOT / KUBERNETES).glob("*.yaml")):
        place = f"{KUBERNETES}/{path.name}"
        if not wanted(place):
            continue
        for found in documents(place):
            if found.get("kind") in UNDESCRIBED:
                continue
            for version in KUBERNETES_VERSIONS:
                try:
                    # Strict: a key that there is none of is refused, which the cluster would leave out with no more than a warning.
                    kubernetes_validate.validate(found, version, strict=True)
                except kubernetes_validate.ValidationError as error:
                    problem(f"{place}, {found['kind']}", f"{'.'.join(map(str, error.path))}: {error.message} (Kubernetes {version})")
                except kubernetes_validate.SchemaNotFoundError as error:
                    problem(place, error.message)


def check_schema(path, schema, folder):
    if not wanted(path):
        return
    copy = folder / os.path.basename(path)
    copy.write_text(read(path), encoding="utf-8")
    command = [sys.executable, "-m", "check_jsonschema", "--output-format", "json", "--builtin-schema", schema, str(copy)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 0:
        return
    try:
        said = json.loads(done.stdout)
    except json.JSONDecodeError:
        problem(path, (done.stdout + done.stderr).strip())
        return
    for error in said.get("errors", []) + said.get("parse_errors", []):
        problem(path, f"{error.get('path', '')}: {error.get('message', 'is no YAML')}")


def expressions():
    """What Prometheus is asked by others than its own rules, with the place of each."""
    board = json.loads(read(DASHBOARD))
    # Grafana puts the values in.
    values = {"$__rate_interval": "5m"}
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield f"{DASHBOARD}, {panel['title']}", re.sub(r"\$\w+", lambda name: values.get(name.group(), "any"), target["expr"])
    for trigger in document(SCALER)["spec"]["triggers"]:
        if trigger["type"] == "prometheus":
            yield SCALER, trigger["metadata"]["query"]


def check_prometheus(folder):
    # Where there is none, deploy/prepare has said so.
    if not wanted(PROMETHEUS, ALERTS, DASHBOARD, SCALER) or not PROMTOOL.exists():
        return
    places, rules = [], []
    for place, expression in expressions():
        rules.append({"record": f"asked:number{len(places)}", "expr": expression})
        places.append(place)
    asked, alerts, config = folder / "asked.yaml", folder / "alerts.yaml", folder / "prometheus.yaml"
    # JSON is YAML.
    asked.write_text(json.dumps({"groups": [{"name": "asked", "rules": rules}]}), encoding="utf-8")
    alerts.write_text(read(ALERTS), encoding="utf-8")
    # Its rules are looked for where they are here, and not where they are mounted in a container.
    config.write_text(read(PROMETHEUS).replace("/etc/prometheus/", f"{folder}/"), encoding="utf-8")
    for path, arguments in (
        (PROMETHEUS, ["config", config]),
        (ALERTS, ["rules", "--lint=all", "--lint-fatal", alerts]),
        ("what is asked of Prometheus", ["rules", asked]),
    ):
        done = subprocess.run([PROMTOOL, "check", *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            said = re.sub(r"asked:number(\d+)", lambda number: places[int(number.group(1))], done.stdout + done.stderr)
            problem(path, " ".join(said.replace(f"{folder}/", "").split()))


def main():
    begin()
    with tempfile.TemporaryDirectory(prefix="carryon-schemas") as name:
        folder = Path(name)
        tried(check_kubernetes)
        tried(check_schema, COMPOSE, "vendor.compose-spec", folder)
        for path in sorted((ROOT / WORKFLOWS).glob("*.yaml")):
            tried(check_schema, f"{WORKFLOWS}/{path.name}", "vendor.github-workflows", folder)
        tried(check_prometheus, folder)
    print(json.dumps({"problems": problems}, ensure_ascii=False))


main()
