package dev.gantry.agent.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Variables and volumes, worded as {@code kubectl describe} does. */
final class FieldDescriptions {
    private FieldDescriptions() {}

    /** Its value, or where it comes from. */
    static String variable(Json variable) {
        Json from = variable.at("valueFrom");
        if (from.at("fieldRef").isPresent()) {
            String version = from.text("fieldRef", "apiVersion");
            return " (%s:%s)".formatted(version.isEmpty() ? "v1" : version, from.text("fieldRef", "fieldPath"));
        }
        if (from.at("resourceFieldRef").isPresent()) {
            return " (%s)".formatted(from.text("resourceFieldRef", "resource"));
        }
        if (from.at("configMapKeyRef").isPresent()) {
            return "<set to the key '%s' of config map '%s'>  Optional: %s"
                    .formatted(
                            from.text("configMapKeyRef", "key"),
                            from.text("configMapKeyRef", "name"),
                            from.isTrue("configMapKeyRef", "optional"));
        }
        if (from.at("secretKeyRef").isPresent()) {
            return "<set to the key '%s' in secret '%s'>  Optional: %s"
                    .formatted(
                            from.text("secretKeyRef", "key"),
                            from.text("secretKeyRef", "name"),
                            from.isTrue("secretKeyRef", "optional"));
        }
        if (from.at("fileKeyRef").isPresent()) {
            return "<set to the key '%s' of file '%s' in volume '%s'>  Optional: %s"
                    .formatted(
                            from.text("fileKeyRef", "key"),
                            from.text("fileKeyRef", "path"),
                            from.text("fileKeyRef", "volumeName"),
                            from.isTrue("fileKeyRef", "optional"));
        }
        return variable.text("value");
    }

    /** Titles and values, in their order. */
    static Map<String, String> volume(Json volume) {
        Map<String, String> lines = new LinkedHashMap<>();
        for (Map.Entry<String, Json> source : volume.members().entrySet()) {
            if (!source.getKey().equals("name")) {
                volume(source.getKey(), source.getValue(), lines);
            }
        }
        return lines;
    }

    private static void volume(String kind, Json source, Map<String, String> lines) {
        switch (kind) {
            case "configMap" -> {
                lines.put("Type", "ConfigMap (a volume populated by a ConfigMap)");
                lines.put("Name", source.text("name"));
                lines.put("Optional", String.valueOf(source.isTrue("optional")));
            }
            case "secret" -> {
                lines.put("Type", "Secret (a volume populated by a Secret)");
                lines.put("SecretName", source.text("secretName"));
                lines.put("Optional", String.valueOf(source.isTrue("optional")));
            }
            case "emptyDir" -> {
                lines.put("Type", "EmptyDir (a temporary directory that shares a pod's lifetime)");
                lines.put("Medium", source.text("medium"));
                String limit = source.text("sizeLimit");
                lines.put("SizeLimit", limit.isEmpty() ? "<unset>" : limit);
            }
            case "hostPath" -> {
                lines.put("Type", "HostPath (bare host directory volume)");
                lines.put("Path", source.text("path"));
                lines.put("HostPathType", source.text("type"));
            }
            case "downwardAPI" -> {
                lines.put("Type", "DownwardAPI (a volume populated by information about the pod)");
                lines.put("Items", items(source));
            }
            case "persistentVolumeClaim" -> {
                lines.put(
                        "Type", "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)");
                lines.put("ClaimName", source.text("claimName"));
                lines.put("ReadOnly", String.valueOf(source.isTrue("readOnly")));
            }
            case "image" -> {
                lines.put("Type", "Image (a container image or OCI artifact)");
                lines.put("Reference", source.text("reference"));
                lines.put("PullPolicy", source.text("pullPolicy"));
            }
            case "projected" -> {
                lines.put("Type", "Projected (a volume that contains injected data from multiple sources)");
                projected(source, lines);
            }
            default -> {
                lines.put("Type", kind);
                source.members().forEach((name, value) -> lines.put(name, value.text()));
            }
        }
    }

    private static void projected(Json source, Map<String, String> lines) {
        List<Json> sources = source.items("sources");
        lines.put("ConfigMapName", names(sources, "configMap"));
        lines.put("SecretName", names(sources, "secret"));
        lines.put(
                "DownwardAPI",
                String.valueOf(
                        sources.stream().anyMatch(one -> one.at("downwardAPI").isPresent())));
        lines.values().removeIf(String::isEmpty);
    }

    private static String names(List<Json> sources, String kind) {
        return sources.stream()
                .map(one -> one.text(kind, "name"))
                .filter(name -> !name.isEmpty())
                .collect(Collectors.joining(", "));
    }

    private static String items(Json source) {
        return source.items("items").stream()
                .map(item -> Stream.of(item.text("fieldRef", "fieldPath"), item.text("resourceFieldRef", "resource"))
                                .filter(text -> !text.isEmpty())
                                .findFirst()
                                .orElse("?")
                        + " -> " + item.text("path"))
                .collect(Collectors.joining(", "));
    }
}
