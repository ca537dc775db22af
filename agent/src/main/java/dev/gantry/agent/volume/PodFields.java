package dev.gantry.agent.volume;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceFieldSelector;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The downward API: what a pod may learn of itself, in environment variables and files. Pure. */
public final class PodFields {
    private static final Pattern SUBSCRIPT = Pattern.compile("(metadata\\.(?:labels|annotations))\\['([^']+)'\\]");

    private PodFields() {}

    /**
     * The value of a {@code fieldRef}.
     *
     * @throws VolumeException if there is no such field, with those that there are
     */
    public static String field(Pod pod, String path) throws VolumeException {
        ObjectMeta metadata = pod.getMetadata();
        Matcher subscript = SUBSCRIPT.matcher(path);
        if (subscript.matches()) {
            Map<String, String> map =
                    subscript.group(1).endsWith("labels") ? metadata.getLabels() : metadata.getAnnotations();
            return map == null ? "" : map.getOrDefault(subscript.group(2), "");
        }
        PodStatus status = pod.getStatus() == null ? new PodStatus() : pod.getStatus();
        return switch (path) {
            case "metadata.name" -> orEmpty(metadata.getName());
            case "metadata.namespace" -> orEmpty(metadata.getNamespace());
            case "metadata.uid" -> orEmpty(metadata.getUid());
            case "metadata.labels" -> lines(metadata.getLabels());
            case "metadata.annotations" -> lines(metadata.getAnnotations());
            case "spec.nodeName" -> orEmpty(pod.getSpec().getNodeName());
            case "spec.serviceAccountName" -> orEmpty(pod.getSpec().getServiceAccountName());
            case "status.hostIP" -> orEmpty(status.getHostIP());
            case "status.hostIPs" ->
                status.getHostIPs().stream().map(ip -> ip.getIp()).collect(Collectors.joining(","));
            case "status.podIP" -> orEmpty(status.getPodIP());
            case "status.podIPs" ->
                status.getPodIPs().stream().map(ip -> ip.getIp()).collect(Collectors.joining(","));
            default ->
                throw new VolumeException(("fieldRef.fieldPath '%s' is not a field of the downward API; use"
                                + " metadata.name, .namespace, .uid, .labels, .annotations, .labels['key'],"
                                + " .annotations['key'], spec.nodeName, spec.serviceAccountName, status.hostIP,"
                                + " .hostIPs, .podIP or .podIPs")
                        .formatted(path));
        };
    }

    /**
     * The value of a {@code resourceFieldRef}: the quantity in units of the divisor, rounded up. A limit that is not set is
     * what the node can give, a request that is not set is 0.
     *
     * @param container the container that {@code selector} means, where it names none
     * @param allocatable the node's, by resource name
     */
    public static String resource(
            Pod pod, @Nullable Container container, ResourceFieldSelector selector, Map<String, Quantity> allocatable)
            throws VolumeException {
        Container subject = selector.getContainerName() == null
                        || selector.getContainerName().isEmpty()
                ? container
                : containers(pod)
                        .filter(each -> each.getName().equals(selector.getContainerName()))
                        .findFirst()
                        .orElse(null);
        if (subject == null) {
            throw new VolumeException("resourceFieldRef.containerName '%s' is not a container of the pod; it has %s"
                    .formatted(
                            selector.getContainerName(),
                            containers(pod).map(Container::getName).toList()));
        }
        String[] parts = String.valueOf(selector.getResource()).split("\\.", 2);
        boolean limits = parts[0].equals("limits");
        if (parts.length != 2 || (!limits && !parts[0].equals("requests"))) {
            throw new VolumeException(
                    "resourceFieldRef.resource '%s' is none of limits.<resource> and requests.<resource>"
                            .formatted(selector.getResource()));
        }
        ResourceRequirements resources =
                subject.getResources() == null ? new ResourceRequirements() : subject.getResources();
        Map<String, Quantity> set = limits ? resources.getLimits() : resources.getRequests();
        Quantity quantity = set == null ? null : set.get(parts[1]);
        if (quantity == null && limits) {
            quantity = allocatable.get(parts[1]);
        }
        BigDecimal amount = quantity == null ? BigDecimal.ZERO : quantity.getNumericalAmount();
        return amount.divide(divisor(selector), 0, RoundingMode.CEILING).toPlainString();
    }

    private static BigDecimal divisor(ResourceFieldSelector selector) throws VolumeException {
        Quantity divisor = selector.getDivisor();
        if (divisor == null
                || divisor.getAmount() == null
                || divisor.getAmount().equals("0")) {
            return BigDecimal.ONE;
        }
        BigDecimal amount = divisor.getNumericalAmount();
        if (amount.signum() <= 0) {
            throw new VolumeException("resourceFieldRef.divisor '%s' must be above 0".formatted(divisor));
        }
        return amount;
    }

    private static Stream<Container> containers(Pod pod) {
        List<Container> init = pod.getSpec().getInitContainers();
        return Stream.concat(pod.getSpec().getContainers().stream(), init == null ? Stream.empty() : init.stream());
    }

    private static String orEmpty(@Nullable String value) {
        return value == null ? "" : value;
    }

    /** {@code key="escaped value"} lines by key, as files of the downward API hold labels and annotations. */
    private static String lines(@Nullable Map<String, String> map) {
        if (map == null) {
            return "";
        }
        return new TreeMap<>(map)
                .entrySet().stream()
                        .map(entry -> entry.getKey() + "=" + quoted(entry.getValue()))
                        .collect(Collectors.joining("\n"));
    }

    /** Go's {@code strconv.Quote} for what labels and annotations hold. */
    private static String quoted(String value) {
        StringBuilder out = new StringBuilder("\"");
        value.codePoints().forEach(c -> {
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                default -> {
                    if (c < 0x20 || c == 0x7f) {
                        out.append("\\x%02x".formatted(c));
                    } else {
                        out.appendCodePoint(c);
                    }
                }
            }
        });
        return out.append('"').toString();
    }
}
