package dev.gantry.netns.cni;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * One interface of one container in one network: what ADD makes and DEL takes away.
 *
 * @param containerId the sandbox's id
 * @param netns a path to the network namespace; empty when it is gone, which DEL must accept
 * @param interfaceName inside the namespace, at most 15 bytes
 * @param arguments {@code CNI_ARGS}
 * @param capabilityArguments runtime configuration by capability, each a JSON text
 */
record CniAttachment(
        String containerId,
        String netns,
        String interfaceName,
        Map<String, String> arguments,
        Map<String, String> capabilityArguments) {
    private static final Pattern ID = Pattern.compile("[a-zA-Z0-9][a-zA-Z0-9_.\\-]*");
    private static final int MAX_INTERFACE_NAME = 15;

    CniAttachment {
        if (!ID.matcher(containerId).matches()) {
            throw new IllegalArgumentException("not a container id for CNI: '%s'".formatted(containerId));
        }
        if (interfaceName.isEmpty()
                || interfaceName.length() > MAX_INTERFACE_NAME
                || interfaceName.equals(".")
                || interfaceName.equals("..")
                || interfaceName.chars().anyMatch(c -> c == '/' || c == ':' || Character.isWhitespace(c))) {
            throw new IllegalArgumentException("not an interface name: '%s'".formatted(interfaceName));
        }
        arguments = new LinkedHashMap<>(arguments);
        capabilityArguments = new LinkedHashMap<>(capabilityArguments);
    }

    /** {@code K=V;K=V}. A value with a semicolon would smuggle another key, so it is left out of a name's alphabet by Kubernetes. */
    String argumentText() {
        return arguments.entrySet().stream()
                .map(entry -> entry.getKey() + "=" + entry.getValue().replace(";", ""))
                .collect(Collectors.joining(";"));
    }

    CniAttachment withNetns(String path) {
        return new CniAttachment(containerId, path, interfaceName, arguments, capabilityArguments);
    }
}
