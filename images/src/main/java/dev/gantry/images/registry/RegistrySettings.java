package dev.gantry.images.registry;

import dev.gantry.images.http.HttpTimeouts;
import dev.gantry.images.http.ProxySettings;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * How registries are reached.
 *
 * @param plainHttp registries ({@code host[:port]}) to be spoken to without TLS; those of this machine are found out
 * @param hostDirectories each with directories named {@code host[:port]} as docker and containerd have them: {@code hosts.toml}
 *     in one says which mirrors to ask; every {@code *.crt} is an authority to trust for that host, {@code x.cert} and {@code x.key}
 *     are shown to it
 * @param dockerConfigs files like docker's {@code config.json}; those that are missing are skipped, the first match wins
 * @param helperDirectories where {@code docker-credential-*} programs are
 */
public record RegistrySettings(
        Set<String> plainHttp,
        List<Path> hostDirectories,
        List<Path> dockerConfigs,
        List<Path> helperDirectories,
        HttpTimeouts timeouts,
        RetryPolicy retries,
        ProxySettings proxies) {
    /** Gantry's own, containerd's and docker's. */
    public static final List<Path> HOST_DIRECTORIES =
            List.of(Path.of("/etc/gantry/certs.d"), Path.of("/etc/containerd/certs.d"), Path.of("/etc/docker/certs.d"));

    public RegistrySettings {
        plainHttp = Set.copyOf(plainHttp);
        hostDirectories = List.copyOf(hostDirectories);
        dockerConfigs = List.copyOf(dockerConfigs);
        helperDirectories = List.copyOf(helperDirectories);
    }

    /** Those of a node: {@code /etc/gantry} first, then where docker, containerd and the kubelet have theirs. */
    public static RegistrySettings of(Map<String, String> environment) {
        List<Path> configs = new ArrayList<>(List.of(Path.of("/etc/gantry/config.json")));
        String docker = environment.getOrDefault("DOCKER_CONFIG", "");
        String home = environment.getOrDefault("HOME", "");
        if (!docker.isEmpty()) {
            configs.add(Path.of(docker, "config.json"));
        } else if (!home.isEmpty()) {
            configs.add(Path.of(home, ".docker", "config.json"));
        }
        configs.add(Path.of("/var/lib/kubelet/config.json"));
        List<Path> path = new ArrayList<>();
        for (String each :
                environment.getOrDefault("PATH", "/usr/local/bin:/usr/bin:/bin").split(":", -1)) {
            if (each.startsWith("/")) {
                path.add(Path.of(each));
            }
        }
        return new RegistrySettings(
                Set.of(),
                HOST_DIRECTORIES,
                configs,
                path,
                HttpTimeouts.DEFAULTS,
                RetryPolicy.DEFAULTS,
                ProxySettings.of(environment));
    }

    public RegistrySettings withPlainHttp(Set<String> registries) {
        return new RegistrySettings(
                registries, hostDirectories, dockerConfigs, helperDirectories, timeouts, retries, proxies);
    }

    public RegistrySettings withHostDirectories(List<Path> directories) {
        return new RegistrySettings(
                plainHttp, directories, dockerConfigs, helperDirectories, timeouts, retries, proxies);
    }

    public RegistrySettings withDockerConfigs(List<Path> files) {
        return new RegistrySettings(plainHttp, hostDirectories, files, helperDirectories, timeouts, retries, proxies);
    }

    public RegistrySettings withHelperDirectories(List<Path> directories) {
        return new RegistrySettings(plainHttp, hostDirectories, dockerConfigs, directories, timeouts, retries, proxies);
    }

    public RegistrySettings withTimeouts(HttpTimeouts other) {
        return new RegistrySettings(
                plainHttp, hostDirectories, dockerConfigs, helperDirectories, other, retries, proxies);
    }

    public RegistrySettings withRetries(RetryPolicy other) {
        return new RegistrySettings(
                plainHttp, hostDirectories, dockerConfigs, helperDirectories, timeouts, other, proxies);
    }
}
