package dev.gantry.netns.cni;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gantry.linux.netlink.IpPrefix;
import dev.gantry.netns.DnsConfig;
import dev.gantry.netns.NetworkException;
import dev.gantry.netns.PodNetworkRequest;
import dev.gantry.netns.PortMapping;
import java.math.BigDecimal;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What plugins are told of a pod: {@code CNI_ARGS}, and the well-known capabilities (CONVENTIONS.md). Pure.
 *
 * <p>All capabilities are offered; each plugin gets those that its configuration asks for.
 */
final class CniCapabilities {
    static final String INGRESS = "kubernetes.io/ingress-bandwidth";
    static final String EGRESS = "kubernetes.io/egress-bandwidth";
    /** On pods: the addresses that it shall have, with commas between them; for plugins with the capability {@code ips}. */
    static final String IPS = "gantry.dev/ips";

    private static final ObjectMapper JSON = new ObjectMapper();

    /** Bits; the largest that the bandwidth plugin takes, so that only the rate limits. */
    private static final long BURST = 0xffff_ffffL;

    private static final BigDecimal MIN_RATE = BigDecimal.valueOf(1000);
    private static final BigDecimal MAX_RATE = BigDecimal.valueOf(1_000_000_000_000_000L);
    private static final Pattern QUANTITY =
            Pattern.compile("([0-9]{1,18}(?:\\.[0-9]{1,9})?)(k|Ki|M|Mi|G|Gi|T|Ti|P|Pi)?");
    private static final String DECIMAL = "kMGTP";

    private CniCapabilities() {}

    /** The names are the ones that Kubernetes' runtimes agree on. */
    static Map<String, String> arguments(PodNetworkRequest request) {
        Map<String, String> arguments = new LinkedHashMap<>();
        arguments.put("IgnoreUnknown", "1");
        arguments.put("K8S_POD_NAMESPACE", request.namespace());
        arguments.put("K8S_POD_NAME", request.name());
        arguments.put("K8S_POD_INFRA_CONTAINER_ID", request.sandboxId());
        arguments.put("K8S_POD_UID", request.uid());
        return arguments;
    }

    /**
     * By capability, each as a JSON text.
     *
     * @throws NetworkException for an annotation that cannot be understood
     */
    static Map<String, String> of(PodNetworkRequest request, List<String> podCidrs) throws NetworkException {
        Map<String, String> capabilities = new LinkedHashMap<>();
        if (!request.portMappings().isEmpty()) {
            capabilities.put("portMappings", ports(request.portMappings()).toString());
        }
        bandwidth(request).ifPresent(value -> capabilities.put("bandwidth", value.toString()));
        dns(request.hints().dns()).ifPresent(value -> capabilities.put("dns", value.toString()));
        Optional<ArrayNode> ips = ips(request);
        if (ips.isPresent()) {
            capabilities.put("ips", ips.get().toString());
        }
        if (!podCidrs.isEmpty()) {
            ArrayNode ranges = JSON.createArrayNode();
            podCidrs.forEach(cidr -> ranges.addArray().addObject().put("subnet", cidr));
            capabilities.put("ipRanges", ranges.toString());
        }
        if (!request.hints().cgroupParent().isEmpty()) {
            capabilities.put(
                    "cgroupPath",
                    JSON.getNodeFactory()
                            .textNode(request.hints().cgroupParent())
                            .toString());
        }
        if (!request.hints().annotations().isEmpty()) {
            ObjectNode annotations = JSON.createObjectNode();
            request.hints().annotations().forEach(annotations::put);
            capabilities.put("io.kubernetes.cri.pod-annotations", annotations.toString());
        }
        return capabilities;
    }

    private static ArrayNode ports(List<PortMapping> mappings) {
        ArrayNode ports = JSON.createArrayNode();
        for (PortMapping mapping : mappings) {
            ports.addObject()
                    .put("hostPort", mapping.hostPort())
                    .put("containerPort", mapping.containerPort())
                    .put("protocol", mapping.protocol().name().toLowerCase(Locale.ROOT))
                    .put("hostIP", mapping.hostIp().map(IpPrefix::format).orElse(""));
        }
        return ports;
    }

    /** Kubernetes' annotations are bits per second. */
    private static Optional<ObjectNode> bandwidth(PodNetworkRequest request) throws NetworkException {
        ObjectNode limits = JSON.createObjectNode();
        Optional<Long> ingress = rate(request, INGRESS);
        if (ingress.isPresent()) {
            limits.put("ingressRate", ingress.get()).put("ingressBurst", BURST);
        }
        Optional<Long> egress = rate(request, EGRESS);
        if (egress.isPresent()) {
            limits.put("egressRate", egress.get()).put("egressBurst", BURST);
        }
        return limits.isEmpty() ? Optional.empty() : Optional.of(limits);
    }

    private static Optional<Long> rate(PodNetworkRequest request, String annotation) throws NetworkException {
        String text = request.hints().annotations().get(annotation);
        if (text == null) {
            return Optional.empty();
        }
        Matcher matcher = QUANTITY.matcher(text);
        if (!matcher.matches()) {
            throw refused(request, annotation, text, "expected bits per second as a quantity like 10M");
        }
        BigDecimal rate = new BigDecimal(matcher.group(1)).multiply(factor(matcher.group(2)));
        if (rate.compareTo(MIN_RATE) < 0) {
            throw refused(request, annotation, text, "resource is unreasonably small (< 1kbit)");
        }
        if (rate.compareTo(MAX_RATE) > 0) {
            throw refused(request, annotation, text, "resource is unreasonably large (> 1Pbit)");
        }
        return Optional.of(rate.longValue());
    }

    private static BigDecimal factor(@org.jspecify.annotations.Nullable String suffix) {
        if (suffix == null) {
            return BigDecimal.ONE;
        }
        int power = 1 + DECIMAL.indexOf(Character.toLowerCase(suffix.charAt(0)) == 'k' ? 'k' : suffix.charAt(0));
        return BigDecimal.valueOf(suffix.endsWith("i") ? 1024 : 1000).pow(power);
    }

    private static Optional<ObjectNode> dns(DnsConfig dns) {
        if (dns.equals(DnsConfig.EMPTY)) {
            return Optional.empty();
        }
        ObjectNode node = JSON.createObjectNode();
        dns.servers().forEach(node.putArray("servers")::add);
        dns.searches().forEach(node.putArray("searches")::add);
        dns.options().forEach(node.putArray("options")::add);
        return Optional.of(node);
    }

    private static Optional<ArrayNode> ips(PodNetworkRequest request) throws NetworkException {
        String text = request.hints().annotations().get(IPS);
        if (text == null) {
            return Optional.empty();
        }
        ArrayNode ips = JSON.createArrayNode();
        for (String ip : text.split(",", -1)) {
            String address = ip.strip();
            int slash = address.indexOf('/');
            try {
                IpPrefix.parseAddress(slash < 0 ? address : address.substring(0, slash));
            } catch (IllegalArgumentException e) {
                throw refused(request, IPS, text, "expected addresses with commas between them");
            }
            ips.add(address);
        }
        return Optional.of(ips);
    }

    private static NetworkException refused(PodNetworkRequest request, String annotation, String value, String why) {
        return new NetworkException("pod %s: annotation %s: '%s': %s".formatted(request.pod(), annotation, value, why));
    }
}
