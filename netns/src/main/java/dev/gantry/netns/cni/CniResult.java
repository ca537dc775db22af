package dev.gantry.netns.cni;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/**
 * The result of ADD, as far as a pod needs it.
 *
 * @param addresses of the given interface, without prefix length, in the plugin's order
 * @param gateways one for each address; empty text where the plugin named none
 * @param json the whole result, for plugins that come later and for DEL
 */
record CniResult(List<String> addresses, List<String> gateways, JsonNode json) {
    CniResult {
        addresses = List.copyOf(addresses);
        gateways = List.copyOf(gateways);
    }

    /**
     * Reads a result of version 0.3.0 or later.
     *
     * @param interfaceName whose addresses count; an address that names no interface counts too
     */
    static CniResult of(JsonNode json, String interfaceName) {
        List<String> addresses = new ArrayList<>();
        List<String> gateways = new ArrayList<>();
        for (JsonNode ip : json.path("ips")) {
            JsonNode index = ip.path("interface");
            JsonNode owner = json.path("interfaces").path(index.asInt(-1));
            boolean inPod = !index.isNumber()
                    || (owner.path("name").asText().equals(interfaceName)
                            && !owner.path("sandbox").asText().isEmpty());
            if (inPod) {
                String address = ip.path("address").asText();
                int slash = address.indexOf('/');
                addresses.add(slash < 0 ? address : address.substring(0, slash));
                gateways.add(ip.path("gateway").asText());
            }
        }
        return new CniResult(addresses, gateways, json);
    }

    /** Bytes, as far as the plugins tell (since version 1.1); 0 if they do not. */
    int mtu(String interfaceName) {
        for (JsonNode each : json.path("interfaces")) {
            if (each.path("name").asText().equals(interfaceName)
                    && !each.path("sandbox").asText().isEmpty()) {
                return each.path("mtu").asInt(0);
            }
        }
        return 0;
    }
}
