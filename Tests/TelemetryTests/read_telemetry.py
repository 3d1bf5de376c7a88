"""Reads telemetry with other people's readers of it. Usage: read_telemetry.py prometheus|openmetrics|traces|metrics

Standard input is what an exporter wrote, a message of OTLP as a line in base 64; standard output is JSON of what was understood. Status 1 if it is not understood.
"""
import base64
import json
import sys


def prometheus(text, parser):
    families = {}
    for family in parser.text_string_to_metric_families(text):
        samples = []
        for sample in family.samples:
            exemplar = sample.exemplar.labels if sample.exemplar else None
            samples.append({"name": sample.name, "labels": sample.labels, "value": sample.value, "exemplar": exemplar})
        families[family.name] = {"type": family.type, "help": family.documentation, "samples": samples}
    return families


def message(line, kind):
    """Reads a message; what is in it that its kind does not have is an error."""
    read = kind()
    data = base64.b64decode(line)
    assert read.ParseFromString(data) == len(data)
    again = kind()
    again.CopyFrom(read)
    again.DiscardUnknownFields()
    assert again.SerializeToString() == read.SerializeToString(), "unknown fields"
    return read


def attributes(values):
    found = {}
    for one in values:
        kind = one.value.WhichOneof("value")
        value = getattr(one.value, kind)
        if kind == "array_value":
            value = [getattr(item, item.WhichOneof("value")) for item in value.values]
        found[one.key] = value
    return found


def conventions():
    """The attributes that the semantic conventions know, without those that they have given up."""
    import pathlib
    import re
    import opentelemetry.semconv._incubating.attributes as package

    known = set()
    for path in pathlib.Path(list(package.__path__)[0]).glob("*_attributes.py"):
        for name, text in re.findall(r'Final = "([^"]+)"\n"""(.*?)"""', path.read_text(), re.DOTALL):
            # Those of generative AI have moved to a place of their own, under the same names.
            if "Deprecated:" not in text or "Deprecated: Moved to" in text:
                known.add(name)
    return known


def traces(text):
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    spans = []
    known = conventions()
    for line in text.splitlines():
        request = message(line, ExportTraceServiceRequest)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    assert len(span.trace_id) == 16 and len(span.span_id) == 8, span
                    assert span.start_time_unix_nano <= span.end_time_unix_nano, span
                    spans.append({
                        "resource": attributes(resource.resource.attributes), "name": span.name, "kind": span.kind,
                        "trace": span.trace_id.hex(), "span": span.span_id.hex(), "parent": span.parent_span_id.hex(),
                        "attributes": attributes(span.attributes), "status": span.status.code,
                        "links": [link.span_id.hex() for link in span.links],
                        "linked": [link.trace_id.hex() for link in span.links],
                        "events": [event.name for event in span.events],
                        "unconventional": [one.key for one in span.attributes if one.key not in known],
                    })
    return spans


def metrics(text):
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

    found = {}
    for line in text.splitlines():
        request = message(line, ExportMetricsServiceRequest)
        for resource in request.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    kind = metric.WhichOneof("data")
                    points = []
                    for point in getattr(metric, kind).data_points:
                        one = {"attributes": attributes(point.attributes)}
                        if kind == "histogram":
                            assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
                            assert sum(point.bucket_counts) == point.count
                            one["count"], one["sum"] = point.count, point.sum
                            one["exemplars"] = [attributes(e.filtered_attributes) for e in point.exemplars]
                        else:
                            one["value"] = point.as_double
                            one["exemplars"] = [attributes(e.filtered_attributes) for e in point.exemplars]
                        points.append(one)
                    found[metric.name] = {
                        "kind": kind, "unit": metric.unit, "help": metric.description, "points": points
                    }
    return found


def main():
    what, text = sys.argv[1], sys.stdin.read()
    if what == "prometheus":
        from prometheus_client import parser
        read = prometheus(text, parser)
    elif what == "openmetrics":
        from prometheus_client.openmetrics import parser
        read = prometheus(text, parser)
    else:
        read = {"traces": traces, "metrics": metrics}[what](text)
    print(json.dumps(read))


main()
