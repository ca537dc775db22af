package dev.gantry.images;

import java.util.List;
import java.util.Map;

/**
 * What an image says of the containers made from it. All text is the image author's: data, never trusted.
 *
 * @param platform what it was built for
 * @param created RFC 3339, or empty
 * @param user {@code user[:group]} by name or number, or empty
 * @param env {@code NAME=value} each
 * @param workingDir absolute path, or empty
 * @param stopSignal e.g. {@code SIGQUIT} or {@code 3}, or empty
 * @param volumes paths inside the container that the image wants as volumes
 * @param exposedPorts e.g. {@code 80/tcp}
 */
public record ImageConfig(
        Platform platform,
        String created,
        String user,
        List<String> env,
        List<String> entrypoint,
        List<String> cmd,
        String workingDir,
        String stopSignal,
        List<String> volumes,
        List<String> exposedPorts,
        Map<String, String> labels) {
    public ImageConfig {
        env = List.copyOf(env);
        entrypoint = List.copyOf(entrypoint);
        cmd = List.copyOf(cmd);
        volumes = List.copyOf(volumes);
        exposedPorts = List.copyOf(exposedPorts);
        labels = Map.copyOf(labels);
    }
}
