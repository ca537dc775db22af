package dev.gantry.netns.cni;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Set;

/**
 * One plugin of a chain.
 *
 * @param type the name of its program, without slashes
 * @param capabilities runtime configuration that it asked for with {@code true}
 * @param config the plugin's object as written; do not change it
 */
record CniPlugin(String type, Set<String> capabilities, ObjectNode config) {
    CniPlugin {
        capabilities = Set.copyOf(capabilities);
    }
}
