"""Reads every file that deploys the service, and prints as one JSON object what is wrong with them and what they name.

Whether the names are the program's own is for the caller to compare. On standard input there may be edits, as a JSON list of
{"file", "from", "to"}: they are applied to what is read and not to the files, so that a test can see a mistake found.
"""

import json
import os
import re
import shlex
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[3]
DOCKERFILE = "deploy/image/Dockerfile"
COMPOSE = "deploy/compose.yaml"
KUBERNETES = "deploy/kubernetes"
UNIT = "deploy/systemd/carryon.service"
ALERTS = "deploy/observe/alerts.yaml"
PROMETHEUS = "deploy/observe/prometheus.yaml"
DASHBOARD = "deploy/observe/grafana/dashboards/carryon.json"
DATASOURCES = "deploy/observe/grafana/provisioning/datasources"
RUNBOOK = "Sources/CarryonService/CarryonService.docc/Runbook.md"
# What tells how to ask a worker that runs in a container.
GUIDES = ["README.md", RUNBOOK, "Sources/CarryonService/CarryonService.docc/RunningItScaled.md"]
WORKFLOWS = ".github/workflows"

edits = []
problems = []
# The processes of the service that the files start: {"place", "arguments", "environment", "grace"}.
processes = []
ports = {"work": set(), "gateway": set()}


def problem(place, text):
    problems.append(f"{place}: {text}")


def read(path):
    text = (ROOT / path).read_text(encoding="utf-8")
    for edit in edits:
        if edit["file"] == path:
            if edit["from"] not in text:
                raise SystemExit(f"{path} does not hold what is to be edited: {edit['from']}")
            text = text.replace(edit["from"], edit["to"])
    return text


class StrictLoader(yaml.SafeLoader):
    """Refuses a key that comes twice, of which the last one would count without a word."""

    def construct_mapping(self, node, deep=False):
        # "<<" may come again, after it was merged.
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
        own = getattr(node, "own_keys", keys)
        node.own_keys = own
        for key in set(own):
            if own.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"key '{key}' comes twice", node.start_mark)
        return super().construct_mapping(node, deep)


def documents(path):
    try:
        return [document for document in yaml.load_all(read(path), StrictLoader) if document is not None]
    except yaml.YAMLError as error:
        problem(path, str(error).replace("\n", " "))
        return []


def document(path):
    found = documents(path)
    if len(found) != 1:
        problem(path, f"holds {len(found)} documents")
    return found[0] if found and isinstance(found[0], dict) else {}


def seconds(text):
    """Compose's and systemd's durations: `45s`, `1m30s`, `45`."""
    parts = re.findall(r"(\d+)(ms|s|m|h|)", str(text))
    units = {"ms": 0.001, "s": 1, "": 1, "m": 60, "h": 3600}
    return sum(int(number) * units[unit] for number, unit in parts)


def matches(selector, labels):
    return bool(selector) and all(labels.get(name) == value for name, value in selector.items())


def check_environment(place, environment):
    for name in environment:
        if name.endswith("_FILE") and name[: -len("_FILE")] in environment:
            problem(place, f"{name} is set beside the variable itself")


def kind_of(arguments):
    """Which of the service's processes the arguments start."""
    return arguments[0] if arguments and arguments[0] in ports else None


def check_admin_key():
    """Whether a worker whose admin address is beyond loopback has the key without which it would refuse every change."""
    for process in processes:
        place, environment = process["place"], process["environment"]
        keys = [name for name in ("CARRYON_ADMIN_KEY", "CARRYON_ADMIN_KEY_FILE") if environment.get(name)]
        if place == DOCKERFILE:
            # An image can't have one of its own: who starts it gives it one.
            if keys:
                problem(place, f"sets {keys[0]}, which whoever has the image would know")
            continue
        host = environment.get("CARRYON_ADMIN_ADDRESS", "127.0.0.1:9464").rpartition(":")[0].strip("[]")
        is_loopback = host in ("localhost", "::1") or re.fullmatch(r"127(\.\d+){3}", host)
        if kind_of(process["arguments"]) == "work" and not is_loopback and not keys:
            problem(place, f"has its admin address at {host} and no CARRYON_ADMIN_KEY: it would refuse every change")


# The image


def instructions():
    text = re.sub(r"(?m)^\s*#.*\n", "", read(DOCKERFILE)).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line.strip()]


def tools_version(manifest):
    found = re.match(r"//\s*swift-tools-version:\s*(\d+)\.(\d+)", manifest)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def check_compiler(base):
    """The image's Swift takes the package, and every library that it is built with."""
    found = re.search(r"swift:(\d+)\.(\d+)", base)
    if not found:
        return problem(DOCKERFILE, f"does not say with which Swift it is built: {base}")
    own = (int(found[1]), int(found[2]))
    needed = {"Package.swift": tools_version(read("Package.swift"))}
    for library in (ROOT / ".build/checkouts").glob("*"):
        # A library may have a manifest of its own for older ones.
        manifests = [path.read_text(encoding="utf-8") for path in library.glob("Package*.swift")]
        needed[library.name] = min(map(tools_version, manifests), default=(0, 0))
    for name, least in sorted(needed.items()):
        if least > own:
            problem(DOCKERFILE, f"has Swift {own[0]}.{own[1]}, and {name} takes {least[0]}.{least[1]}")


def check_image():
    steps = instructions()
    stages = [index for index, (name, _) in enumerate(steps) if name == "FROM"]
    if len(stages) != 2:
        problem(DOCKERFILE, f"has {len(stages)} stages")
        return {}
    build, runtime = steps[: stages[1]], steps[stages[1] :]
    bases = [value for name, value in steps if name == "FROM"]
    check_compiler(bases[0])
    if not all("bookworm" in base for base in bases):
        problem(DOCKERFILE, f"the stages have different systems: {bases}")
    for package in ("librdkafka-dev", "libpq-dev", "libsqlite3-dev", "pkg-config"):
        if not any(name == "RUN" and package in value for name, value in build):
            problem(DOCKERFILE, f"the build has no {package}")
    for package in ("librdkafka1", "libpq5", "libsqlite3-0", "ca-certificates", "tini", "curl"):
        if not any(name == "RUN" and package in value.split() for name, value in runtime):
            problem(DOCKERFILE, f"the image has no {package}")
    ignored = read(DOCKERFILE + ".dockerignore").splitlines()
    for name, value in build:
        if name != "COPY":
            continue
        for source in value.split()[:-1]:
            if not list(ROOT.glob(source)):
                problem(DOCKERFILE, f"copies {source}, which is not there")
            if not any(line.startswith("!" + source.split("*")[0]) for line in ignored):
                problem(DOCKERFILE, f"copies {source}, which its .dockerignore leaves out")
    last = dict(runtime)
    user = last.get("USER", "root").split(":")[0]
    if not user.isdigit() or int(user) == 0:
        problem(DOCKERFILE, f"runs as '{user}'")
    entry = json.loads(last.get("ENTRYPOINT", "[]"))
    if entry[:2] != ["tini", "--"]:
        problem(DOCKERFILE, "nobody reaps what hosts leave behind")
    environment = dict(pair.split("=", 1) for name, value in runtime if name == "ENV" for pair in value.split())
    health = last.get("HEALTHCHECK", "")
    if "/healthz" not in health:
        problem(DOCKERFILE, "has no HEALTHCHECK of /healthz")
    exposed = {int(port) for port in last.get("EXPOSE", "").split()}
    address = environment.get("CARRYON_ADMIN_ADDRESS", "")
    ports["work"].add(int(address.rpartition(":")[2] or 0))
    for port in exposed - ports["work"]:
        ports["gateway"].add(port)
    arguments = json.loads(last.get("CMD", "[]"))
    processes.append({"place": DOCKERFILE, "arguments": arguments, "environment": environment, "grace": None})
    return {"environment": environment, "command": arguments, "program": entry[2:], "health": bool(health)}


# Compose


def interpolated(value):
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(value))
    return text.replace("$$", "$")


def check_compose(image):
    compose = document(COMPOSE)
    services = compose.get("services", {})
    folder = Path(COMPOSE).parent
    for name, service in services.items():
        place = f"{COMPOSE}, {name}"
        own = "build" in service
        if "image" not in service:
            problem(place, "has no image")
        elif not own and not re.search(r":.*\d", service["image"]):
            problem(place, f"{service['image']} is no version")
        if own:
            context = os.path.normpath(folder / service["build"]["context"])
            if not (ROOT / context / service["build"]["dockerfile"]).is_file():
                problem(place, "its Dockerfile is not there")
        for other, rule in service.get("depends_on", {}).items():
            condition = rule["condition"]
            if other not in services:
                problem(place, f"depends on {other}, which is no service")
                continue
            needed = services[other]
            if condition == "service_healthy" and not ("healthcheck" in needed or ("build" in needed and image.get("health"))):
                problem(place, f"waits for {other} to be healthy, which has no health check")
            if condition == "service_completed_successfully" and needed.get("restart") != "no":
                problem(place, f"waits for the end of {other}, which is started again")
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                if not (ROOT / folder / source).exists():
                    problem(place, f"mounts {source}, which is not there")
            elif source not in compose.get("volumes", {}):
                problem(place, f"mounts the volume {source}, which is not declared")
        for published in service.get("ports", []):
            if not published.startswith("127.0.0.1:"):
                problem(place, f"publishes {published} to everybody")
        if not own:
            continue
        environment = dict(image.get("environment", {}))
        environment.update({key: interpolated(value) for key, value in service.get("environment", {}).items()})
        check_environment(place, environment)
        arguments = [interpolated(word) for word in service.get("command", image.get("command", []))]
        grace = seconds(service["stop_grace_period"]) if "stop_grace_period" in service else 10
        processes.append({"place": place, "arguments": arguments, "environment": environment, "grace": grace})
        kind = kind_of(arguments)
        health = " ".join(map(str, service.get("healthcheck", {}).get("test", [])))
        for port in re.findall(r"127\.0\.0\.1:(\d+)", health):
            ports[kind].add(int(port))
        for published in service.get("ports", []):
            ports[kind].add(int(published.rpartition(":")[2]))
        # What is asked by its name has to be a service, at the port that it listens at.
        for address in environment.get("CARRYON_WORKERS", "").split(","):
            if address and address.partition(":")[0] not in services:
                problem(place, f"shows the worker {address}, which is no service")
            elif address:
                ports["work"].add(int(address.rpartition(":")[2]))
        for variable in ("CARRYON_KAFKA_BOOTSTRAP_SERVERS", "CARRYON_OTLP_ENDPOINT", "CARRYON_STORE"):
            host = re.sub(r"^\w+://(?:[^@/]*@)?", "", environment.get(variable, "")).split("/")[0].split(":")[0]
            if host not in services:
                problem(place, f"{variable} names {host or 'nobody'}, which is no service")
    return services


# Prometheus, Grafana and the collector


def mounted(services, path):
    """Where a service finds the repository's file `path`."""
    for name, service in services.items():
        for volume in service.get("volumes", []):
            source, _, rest = volume.partition(":")
            target = rest.split(":")[0]
            source = os.path.normpath(Path(COMPOSE).parent / source)
            if path == source:
                yield name, target
            elif path.startswith(source + "/"):
                yield name, target + path[len(source) :]


def check_prometheus(services):
    prometheus = document(PROMETHEUS)
    rules = {target for name, target in mounted(services, ALERTS)}
    if set(prometheus.get("rule_files", [])) != rules:
        problem(PROMETHEUS, f"reads rules of {prometheus.get('rule_files')}, and they are mounted at {sorted(rules)}")
    scraped = set()
    for job in prometheus.get("scrape_configs", []):
        for config in job.get("static_configs", []):
            for target in config["targets"]:
                name, _, port = target.partition(":")
                scraped.add(name)
                service = services.get(name)
                if service is None:
                    problem(PROMETHEUS, f"asks {name}, which is no service")
                    continue
                ports[kind_of(service.get("command", [])) or "work"].add(int(port))
    for name, service in services.items():
        if "build" in service and name not in scraped:
            problem(PROMETHEUS, f"does not ask {name}")
    for volume_of, command in (("prometheus", "--config.file="), ("otel-collector", "--config=")):
        given = [word[len(command) :] for word in services[volume_of]["command"] if word.startswith(command)]
        if not any(volume.split(":")[1] == given[0] for volume in services[volume_of]["volumes"]):
            problem(COMPOSE, f"{volume_of} reads {given}, where nothing is mounted")


def check_address(services, place, url):
    """Whether a part of what observes the service asks another one that there is."""
    host = re.match(r"https?://([^:/]+)", url or "")
    if host and host.group(1) not in services:
        problem(place, f"asks {host.group(1)}, which is no service")


def check_collector(services):
    path = "deploy/observe/otel-collector.yaml"
    collector = document(path)
    for name, pipeline in collector.get("service", {}).get("pipelines", {}).items():
        for kind in ("receivers", "processors", "exporters"):
            for part in pipeline.get(kind, []):
                if part not in collector.get(kind, {}):
                    problem(path, f"the pipeline {name} names {part}, which is none of the {kind}")
    for name, exporter in collector.get("exporters", {}).items():
        check_address(services, f"{path}, {name}", exporter.get("endpoint"))
    for source in sorted((ROOT / DATASOURCES).glob("*.yaml")):
        for one in document(f"{DATASOURCES}/{source.name}").get("datasources", []):
            check_address(services, f"{DATASOURCES}/{source.name}", one.get("url"))
    endpoint = collector["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    for process in processes:
        given = process["environment"].get("CARRYON_OTLP_ENDPOINT")
        if given and given.rpartition(":")[2] != endpoint.rpartition(":")[2]:
            problem(process["place"], f"sends to {given}, and the collector listens at {endpoint}")


def check_expression(place, text):
    """Whether the brackets of an expression of PromQL go together; strings may hold any."""
    open_brackets, pairs = [], {")": "(", "]": "[", "}": "{"}
    for character in re.sub(r'"(\\.|[^"\\])*"', '""', text):
        if character in "([{":
            open_brackets.append(character)
        elif character in pairs and (not open_brackets or open_brackets.pop() != pairs[character]):
            problem(place, f"brackets: {text}")
            return
    if open_brackets:
        problem(place, f"brackets: {text}")


def check_alerts():
    alerts, expressions, recorded = [], [], set()
    for group in document(ALERTS).get("groups", []):
        for rule in group["rules"]:
            name = rule.get("alert") or rule.get("record")
            place = f"{ALERTS}, {name}"
            expressions.append((place, rule["expr"]))
            if "record" in rule:
                recorded.add(rule["record"])
                continue
            annotations = rule.get("annotations", {})
            for key in ("summary", "description", "runbook"):
                if not annotations.get(key):
                    problem(place, f"has no {key}")
            if rule.get("labels", {}).get("severity") not in ("page", "ticket"):
                problem(place, "has no severity")
            alerts.append({"name": name, "runbook": annotations.get("runbook", ""), "expression": rule["expr"]})
    names = [alert["name"] for alert in alerts]
    for name in {name for name in names if names.count(name) > 1}:
        problem(ALERTS, f"{name} comes twice")
    for place, expression in expressions:
        for name in re.findall(r"carryon:[\w:]+", expression):
            if name not in recorded:
                problem(place, f"{name} is recorded nowhere")
    return alerts, expressions


def check_dashboard(services):
    try:
        board = json.loads(read(DASHBOARD))
    except json.JSONDecodeError as error:
        problem(DASHBOARD, str(error))
        return []
    sources = {source["uid"] for source in document("deploy/observe/grafana/provisioning/datasources/prometheus.yaml")["datasources"]}
    expressions, ids, titles = [], [], []
    variables = {variable["name"] for variable in board["templating"]["list"]}
    for panel in board["panels"]:
        ids.append(panel["id"])
        if panel["type"] == "row":
            titles.append(panel["title"].split(":")[0])
            continue
        place = f"{DASHBOARD}, {panel['title']}"
        if not panel.get("description"):
            problem(place, "does not say what it shows")
        if not panel.get("targets"):
            problem(place, "shows nothing")
        for target in panel.get("targets", []):
            expressions.append((place, target["expr"]))
            if target["datasource"]["uid"] not in sources:
                problem(place, f"asks {target['datasource']['uid']}, which is not provisioned")
            for name in re.findall(r"\$(\w+)", target["expr"]):
                if name not in variables and not name.startswith("__"):
                    problem(place, f"${name} is no variable")
        right = panel["gridPos"]["x"] + panel["gridPos"]["w"]
        if right > 24:
            problem(place, f"is {right} columns wide, of 24")
    if len(ids) != len(set(ids)):
        problem(DASHBOARD, "two panels have one id")
    for variable in board["templating"]["list"]:
        expressions.append((DASHBOARD, re.sub(r"^label_values\((.*), \w+\)$", r"\1", variable["query"]["query"])))
    if titles != ["Waiting", "Turns", "Trouble", "Capacity"]:
        problem(DASHBOARD, f"has the rows {titles}")
    provider = document("deploy/observe/grafana/provisioning/dashboards/carryon.yaml")["providers"][0]["options"]["path"]
    places = [target for name, target in mounted(services, DASHBOARD) if name == "grafana"]
    if [os.path.dirname(place) for place in places] != [provider]:
        problem(DASHBOARD, f"is mounted at {places}, and looked for in {provider}")
    return expressions


# Kubernetes


def check_pod(place, labels, spec, objects, image):
    volumes = {volume["name"]: volume for volume in spec.get("volumes", [])}
    if not spec.get("securityContext", {}).get("runAsNonRoot"):
        problem(place, "may run as root")
    for constraint in spec.get("topologySpreadConstraints", []):
        if not matches(constraint["labelSelector"]["matchLabels"], labels):
            problem(place, "spreads other pods than its own")
    numbers, names = set(), set()
    for container in spec["containers"]:
        own = container["image"] == "carryon"
        named = {port["name"]: port["containerPort"] for port in container.get("ports", [])}
        names.update(named)
        numbers.update(named.values())
        context = container.get("securityContext", {})
        if context.get("allowPrivilegeEscalation") is not False or not context.get("readOnlyRootFilesystem"):
            problem(place, "its file system or its privileges are open")
        if context.get("capabilities", {}).get("drop") != ["ALL"]:
            problem(place, "keeps capabilities")
        if "memory" not in container.get("resources", {}).get("limits", {}):
            problem(place, "has no limit of memory")
        for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
            if probe not in container:
                if own:
                    problem(place, f"has no {probe}")
                continue
            port = container[probe]["httpGet"]["port"]
            if port not in named and port not in named.values():
                problem(place, f"{probe} asks port {port}, which the container does not have")
            path = container[probe]["httpGet"]["path"]
            if path != ("/readyz" if probe == "readinessProbe" else "/healthz"):
                problem(place, f"{probe} asks {path}")
        mounts = {mount["mountPath"]: mount["name"] for mount in container.get("volumeMounts", [])}
        for name in mounts.values():
            if name not in volumes:
                problem(place, f"mounts {name}, which is no volume of the pod")
        environment = dict(image.get("environment", {})) if own else {}
        for source in container.get("envFrom", []):
            reference = source["configMapRef"]["name"]
            if ("ConfigMap", reference) not in objects:
                problem(place, f"there is no ConfigMap {reference}")
            else:
                environment.update(objects["ConfigMap", reference]["data"])
        for variable in container.get("env", []):
            reference = variable.get("valueFrom", {}).get("configMapKeyRef")
            if reference is None:
                environment[variable["name"]] = variable["value"]
            elif reference["key"] not in objects.get(("ConfigMap", reference["name"]), {}).get("data", {}):
                problem(place, f"the ConfigMap {reference['name']} has no {reference['key']}")
        for name, value in environment.items():
            if not isinstance(value, str):
                problem(place, f"{name} is no text, but {value!r}")
            if name.endswith("_FILE"):
                check_secret(place, name, value, mounts, volumes, objects)
        if not own:
            continue
        # Kubernetes would set CARRYON_GATEWAY_PORT and others, which the program refuses.
        if spec.get("enableServiceLinks") is not False:
            problem(place, "takes variables of the namespace's Services")
        check_environment(place, environment)
        arguments = container.get("args", image.get("command", []))
        grace = spec.get("terminationGracePeriodSeconds", 30)
        processes.append({"place": place, "arguments": arguments, "environment": environment, "grace": grace})
        ports[kind_of(arguments)].update(named.values())
    return names, numbers


def check_secret(place, variable, path, mounts, volumes, objects):
    folder, entry = os.path.split(path)
    secret = volumes.get(mounts.get(folder), {}).get("secret")
    if secret is None:
        problem(place, f"{variable} is {path}, where no Secret is mounted")
        return
    data = objects.get(("Secret", secret["secretName"]), {}).get("stringData", {})
    given = {item["path"]: item["key"] for item in secret["items"]} if "items" in secret else {key: key for key in data}
    if given.get(entry) not in data:
        problem(place, f"{variable} is {path}, which the Secret {secret['secretName']} does not have")


def check_kubernetes(image):
    kustomization = document(f"{KUBERNETES}/kustomization.yaml")
    files = sorted(path.name for path in (ROOT / KUBERNETES).glob("*.yaml"))
    expected = [name for name in files if name != "kustomization.yaml" and ".example." not in name]
    if sorted(kustomization.get("resources", [])) != expected:
        problem(f"{KUBERNETES}/kustomization.yaml", f"names {kustomization.get('resources')}, and there are {expected}")
    objects, places = {}, {}
    for name in files:
        for found in documents(f"{KUBERNETES}/{name}"):
            place = f"{KUBERNETES}/{name}"
            if not isinstance(found, dict) or not found.get("apiVersion") or not found.get("kind"):
                problem(place, "a document has no apiVersion or kind")
                continue
            if found["kind"] == "Kustomization":
                continue
            title = found.get("metadata", {}).get("name")
            if not title:
                problem(place, f"a {found['kind']} has no name")
                continue
            if (found["kind"], title) in objects:
                problem(place, f"{found['kind']} {title} comes twice")
            if found["kind"] != "Namespace" and found["metadata"].get("namespace") != kustomization.get("namespace"):
                problem(place, f"{found['kind']} {title} is in no namespace, or another one")
            objects[found["kind"], title] = found
            places[found["kind"], title] = f"{place}, {found['kind']} {title}"
    pods = []
    for key, found in objects.items():
        if key[0] not in ("Deployment", "Job"):
            continue
        template = found["spec"]["template"]
        labels = template["metadata"]["labels"]
        if key[0] == "Deployment" and not matches(found["spec"]["selector"]["matchLabels"], labels):
            problem(places[key], "its selector does not match its own pods")
        names, numbers = check_pod(places[key], labels, template["spec"], objects, image)
        port = template["metadata"].get("annotations", {}).get("prometheus.io/port")
        if port is not None and int(port) not in numbers:
            problem(places[key], f"Prometheus is sent to port {port}, which the pod does not have")
        pods.append((key, labels, names, numbers))
    for key, found in objects.items():
        spec = found.get("spec", {})
        if key[0] == "Service":
            selector, asked = spec["selector"], [port["targetPort"] for port in spec["ports"]]
        elif key[0] == "NetworkPolicy":
            selector = spec["podSelector"]["matchLabels"]
            asked = [port["port"] for rule in spec.get("ingress", []) for port in rule.get("ports", [])]
            if "Ingress" not in spec["policyTypes"] or "Egress" not in spec["policyTypes"]:
                problem(places[key], "leaves a direction open")
        elif key[0] == "PodDisruptionBudget":
            selector, asked = spec["selector"]["matchLabels"], []
        elif key[0] == "ScaledObject":
            target = ("Deployment", spec["scaleTargetRef"]["name"])
            if target not in objects:
                problem(places[key], f"scales {target[1]}, which is no Deployment")
            elif "replicas" in objects[target]["spec"]:
                problem(places[target], "says how many replicas there are, which the ScaledObject does")
            continue
        else:
            continue
        chosen = [pod for pod in pods if matches(selector, pod[1])]
        if not chosen:
            problem(places[key], "selects no pods")
        for port in asked:
            for _, _, names, numbers in chosen:
                if port not in names and port not in numbers:
                    problem(places[key], f"names port {port}, which the pods do not have")
    triggers = [trigger for key, found in objects.items() if key[0] == "ScaledObject" for trigger in found["spec"]["triggers"]]
    workers = {key[1] for key, found in objects.items() if key[0] == "Deployment" and works(found)}
    queries = [(f"{KUBERNETES}/scaledobject.yaml", trigger["metadata"]["query"]) for trigger in triggers if trigger["type"] == "prometheus"]
    return queries, (kustomization.get("namespace"), workers)


def works(deployment):
    return any(kind_of(container.get("args")) == "work" for container in deployment["spec"]["template"]["spec"]["containers"])


def check_guides(services, namespace, deployments):
    """Whether the workers that the guides enter are there, and what is asked in them: the commands of the program."""
    commands = []
    workers = {name for name, service in services.items() if "build" in service and kind_of(service.get("command")) == "work"}
    for path in GUIDES:
        text = read(path)
        entered = re.findall(r"docker compose -f (\S+) exec (\S+) ([^`|\n#]+)", text)
        for file, name, rest in entered:
            if file != COMPOSE or name not in workers:
                problem(path, f"enters {name} of {file}, which is no worker")
        inside = [rest for _, _, rest in entered]
        for space, name, rest in re.findall(r"kubectl -n (\S+) exec (\S+) -- ([^`|\n#]+)", text):
            if space != namespace or name.removeprefix("deploy/") not in {*deployments, '"$pod"'}:
                problem(path, f"enters {name} in {space}, which is no worker")
            inside.append(rest)
        if not inside:
            problem(path, "does not say how to ask a worker in a container")
        for words in map(shlex.split, inside):
            if words[0] == "carryon":
                commands.append(words[1:])
            elif words[0] == "curl":
                ports["work"].update(int(port) for word in words for port in re.findall(r"^localhost:(\d+)/", word))
            else:
                problem(path, f"{words[0]} is not in the image")
    return commands


# The unit, the workflow, and what all of them name


def check_unit(image):
    settings = {}
    for line in read(UNIT).splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            settings[name.strip()] = value.strip()
    for name, value in {"Type": "exec", "KillMode": "mixed", "Restart": "on-failure", "OOMPolicy": "continue", "NoNewPrivileges": "yes"}.items():
        if settings.get(name) != value:
            problem(UNIT, f"{name} is {settings.get(name)}, not {value}")
    if "EnvironmentFile" not in settings:
        problem(UNIT, "reads no settings")
    program, *arguments = settings.get("ExecStart", "none").split()
    if [os.path.basename(program)] != image.get("program"):
        problem(UNIT, f"starts {program}")
    grace = seconds(settings.get("TimeoutStopSec", "90"))
    processes.append({"place": UNIT, "arguments": arguments, "environment": {}, "grace": grace})


def check_workflows():
    for path in sorted((ROOT / WORKFLOWS).glob("*.yaml")):
        name = f"{WORKFLOWS}/{path.name}"
        workflow = document(name)
        if workflow.get("permissions") != {"contents": "read"}:
            problem(name, "may do more than read, or does not say")
        for title, job in workflow.get("jobs", {}).items():
            for needed in [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", []):
                if needed not in workflow["jobs"]:
                    problem(name, f"{title} needs {needed}, which is no job")
            for step in job["steps"]:
                if "uses" in step and not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"]):
                    problem(name, f"{step['uses']} is not pinned by a commit")
                script = step.get("run", "")
                if "${{" in script:
                    problem(name, f"a value of the event is pasted into a script: {script}")
                for program in re.findall(r"(?m)^\s*(deploy/[\w/-]+)", script):
                    if not os.access(ROOT / program, os.X_OK):
                        problem(name, f"runs {program}, which can't be")
                # check_publishing.py tries that script.
                if re.search(r"docker (login|push)", script):
                    problem(name, "publishes by itself, and not by deploy/publish")
                if "deploy/publish" in script:
                    secrets = [key for key in ("REGISTRY_USER", "REGISTRY_TOKEN") if step.get("env", {}).get(key) != f"${{{{ secrets.{key} }}}}"]
                    if secrets:
                        problem(name, f"publishes without {secrets}")
                    if step.get("if") != "github.event_name == 'push'":
                        problem(name, "publishes what is not merged")
        # Whatever the base is called: as a value of a variable, in a list of branches, or in a script.
        if re.search(r"""(?im)origin/\w|refs/heads/\w|\bbase\w*:\s*["']?\w|\bbranches(-ignore)?:|check-changelog ["']?\w""", read(name)):
            problem(name, "names a branch")


def topics(path):
    found = []
    for name, partitions, rest in re.findall(r"(?m)^\s*topic (\S+) (\d+)(.*)$", read(path)):
        found.append({"file": path, "name": name, "partitions": int(partitions), "options": dict(re.findall(r"--config (\S+?)=(\S+)", rest))})
    if "cleanup.policy=delete" not in read(path):
        problem(path, "leaves the topics' clean-up to the broker")
    return found


def tried(check, *arguments, otherwise=None):
    """What a check finds. One that trips over what it did not expect has found something too."""
    try:
        return check(*arguments)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        problem(check.__name__, f"{type(error).__name__}: {error}")
        return otherwise


def begin():
    given = sys.stdin.read()
    edits.extend(json.loads(given) if given.strip() else [])


def main():
    begin()
    image = tried(check_image, otherwise={})
    services = tried(check_compose, image, otherwise={})
    tried(check_prometheus, services)
    tried(check_collector, services)
    alerts, expressions = tried(check_alerts, otherwise=([], []))
    expressions += tried(check_dashboard, services, otherwise=[])
    queries, deployments = tried(check_kubernetes, image, otherwise=([], (None, set())))
    expressions += queries
    for place, expression in expressions:
        check_expression(place, expression)
    tried(check_unit, image)
    tried(check_workflows)
    tried(check_admin_key)
    asked = tried(check_guides, services, *deployments, otherwise=[])

    headings = [line[3:].strip() for line in read(RUNBOOK).splitlines() if line.startswith("## ")]
    files = [path for folder in ("deploy/image", "deploy/observe", KUBERNETES, "deploy/systemd", WORKFLOWS) for path in (ROOT / folder).rglob("*")]
    names = sorted(str(path.relative_to(ROOT)) for path in files if path.is_file()) + [COMPOSE, RUNBOOK]
    texts = {name: read(name) for name in names}
    # What is in backquotes in the runbook, and what annotations and comments say that somebody should type.
    commands = [process["arguments"] for process in processes] + asked
    for command in re.findall(r"`carryon ((?:[a-z-]+|--[a-z])[^`]*)`", "\n".join(texts.values())):
        commands.append(command.split())
    # How a metric is narrowed down, by which labels.
    selected = {
        (metric, label)
        for _, expression in expressions
        for metric, inside in re.findall(r"\b(carryon_[a-z0-9_]+)\{([^}]*)\}", expression)
        for label in re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"', inside)
    }
    print(
        json.dumps(
            {
                "problems": problems,
                "files": names,
                "variables": sorted({name for text in texts.values() for name in re.findall(r"\bCARRYON_[A-Z0-9_]*[A-Z0-9]", text)}),
                "metrics": sorted({name for text in texts.values() for name in re.findall(r"\bcarryon_[a-z0-9_]+", text)}),
                "selectors": [{"metric": metric, "label": label} for metric, label in sorted(selected)],
                "ports": {kind: sorted(found) for kind, found in ports.items()},
                "processes": processes,
                "commands": commands,
                "alerts": alerts,
                "headings": headings,
                "topics": topics(COMPOSE) + topics(f"{KUBERNETES}/topics.yaml"),
            },
            ensure_ascii=False,
        )
    )


if __name__ == "__main__":
    main()
