package dev.gantry.agent.volume;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Secret;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The bytes that ConfigMaps and Secrets hold, by key, sorted. The objects are valid. */
public final class ConfigData {
    private ConfigData() {}

    /** Both of its maps. */
    public static Map<String, byte[]> of(ConfigMap map) {
        Map<String, byte[]> data = decoded(map.getBinaryData());
        data.putAll(text(map));
        return data;
    }

    /** What of a ConfigMap environments take: the text. */
    public static Map<String, byte[]> text(ConfigMap map) {
        Map<String, byte[]> data = new TreeMap<>();
        if (map.getData() != null) {
            map.getData().forEach((key, value) -> data.put(key, value.getBytes(StandardCharsets.UTF_8)));
        }
        return data;
    }

    public static Map<String, byte[]> of(Secret secret) {
        return decoded(secret.getData());
    }

    private static Map<String, byte[]> decoded(@Nullable Map<String, String> encoded) {
        Map<String, byte[]> data = new TreeMap<>();
        if (encoded != null) {
            encoded.forEach(
                    (key, value) -> data.put(key, Base64.getMimeDecoder().decode(value)));
        }
        return data;
    }
}
