package dev.gantry.agent.config;

import dev.gantry.linux.netlink.IpPrefix;
import dev.gantry.netns.PodNetworkConfig;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * How one agent is to run: defaults, overlaid by the configuration file, its drop-ins in the order of their names, and the flags.
 *
 * @param nodeName in lower case, as Kubernetes wants it
 * @param nodeIp address of this node; empty: found
 * @param network what connects pods, if the runtime is the built-in one
 * @param podCidrs at most one of each address family; empty: the network's default
 * @param cgroupRoot empty: found
 * @param runtimeEndpoint path of another runtime's socket; empty: the built-in one
 * @param logLevel {@code error}, {@code warn}, {@code info} or {@code debug}
 * @param restarts how long containers that end wait before they are started again
 * @param warnings what was set and has no effect
 */
public record AgentConfig(
        NodePaths paths,
        String nodeName,
        Optional<String> nodeIp,
        NetworkConfig network,
        List<String> podCidrs,
        List<String> clusterDns,
        Optional<String> clusterDomain,
        Path resolvConf,
        Optional<Path> cgroupRoot,
        boolean systemdCgroupNames,
        Optional<Path> runtimeEndpoint,
        Optional<Path> imageEndpoint,
        ImageConfig images,
        SecurityConfig security,
        ResourceConfig resources,
        String logLevel,
        RestartConfig restarts,
        List<String> warnings) {
    private static final String KUBELET_API = "kubelet.config.k8s.io/v1beta1";

    /**
     * Reads what there is.
     *
     * @param flags by name without dashes
     * @throws ConfigException with every error of every file and flag
     */
    public static AgentConfig load(NodePaths paths, Map<String, String> flags) throws ConfigException {
        Settings settings = new Settings();
        String config = flags.getOrDefault("config", "");
        Path file = config.isEmpty() ? paths.configFile() : Path.of(config).toAbsolutePath();
        if (!config.isEmpty() || Files.exists(file)) {
            ConfigFile.read(file, settings);
        }
        String dropIns = flags.getOrDefault("config-dir", "");
        Path directory = dropIns.isEmpty()
                ? file.resolveSibling("config.d")
                : Path.of(dropIns).toAbsolutePath();
        for (Path dropIn : dropIns(directory, !dropIns.isEmpty(), settings)) {
            ConfigFile.read(dropIn, settings);
        }
        applyFlags(flags, settings);
        AgentConfig result = new Typed(settings, paths, flags).config();
        if (!settings.errors().isEmpty()) {
            throw new ConfigException(settings.errors());
        }
        return result;
    }

    private static List<Path> dropIns(Path directory, boolean required, Settings settings) {
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            for (Path entry : entries) {
                String name = String.valueOf(entry.getFileName());
                if (!name.startsWith(".")
                        && (name.endsWith(".conf") || name.endsWith(".yaml") || name.endsWith(".yml"))) {
                    files.add(entry);
                }
            }
        } catch (NoSuchFileException | NotDirectoryException e) {
            if (required) {
                settings.error("--config-dir", "", "there is no directory " + directory);
            }
        } catch (IOException e) {
            settings.error(directory.toString(), "", "cannot be listed: " + e.getMessage());
        }
        Collections.sort(files);
        return files;
    }

    private static void applyFlags(Map<String, String> flags, Settings settings) {
        for (Flags.Flag flag : Flags.ALL) {
            String value = flags.get(flag.name());
            if (value == null || flag.field().isEmpty()) {
                continue;
            }
            Field field = Schema.find(flag.field()).orElseThrow();
            if (field.type() == Field.Type.STRINGS) {
                value = value.replace(",", "\n");
            } else if (field.type() == Field.Type.PATH && !value.isEmpty()) {
                value = Path.of(value).toAbsolutePath().normalize().toString();
            }
            settings.put(field, value, "--" + flag.name());
        }
    }

    /** Turns settings into the typed configuration, noting what does not fit together. */
    private static final class Typed {
        private final Settings settings;
        private final NodePaths given;
        private final Map<String, String> flags;

        Typed(Settings settings, NodePaths given, Map<String, String> flags) {
            this.settings = settings;
            this.given = given;
            this.flags = flags;
        }

        AgentConfig config() {
            header();
            List<String> cidrs = cidrs();
            return new AgentConfig(
                    paths(),
                    nodeName(),
                    addresses("nodeIP", settings.get("nodeIP").stream().toList()).stream()
                            .findFirst(),
                    NetworkConfig.read(settings),
                    cidrs,
                    addresses("clusterDNS", settings.list("clusterDNS")),
                    settings.get("clusterDomain"),
                    Path.of(settings.get("resolvConf").orElse("/etc/resolv.conf")),
                    settings.get("cgroupRoot").map(this::cgroupRoot),
                    settings.get("cgroupDriver").orElse("cgroupfs").equals("systemd"),
                    endpoint("containerRuntimeEndpoint"),
                    endpoint("imageServiceEndpoint"),
                    ImageConfig.read(settings, given),
                    SecurityConfig.read(settings),
                    new ResourceFields(settings).read(),
                    logLevel(),
                    RestartConfig.read(settings),
                    settings.withoutEffect());
        }

        private void header() {
            settings.get("apiVersion")
                    .filter(value -> !value.equals(KUBELET_API))
                    .ifPresent(value -> settings.error(
                            settings.origin("apiVersion"),
                            "apiVersion",
                            "expected " + KUBELET_API + ", found '" + value + "'"));
            settings.get("kind")
                    .filter(value -> !value.equals("KubeletConfiguration"))
                    .ifPresent(value -> settings.error(
                            settings.origin("kind"), "kind", "expected KubeletConfiguration, found '" + value + "'"));
        }

        private NodePaths paths() {
            NodePaths paths = given;
            String rootDir = flags.getOrDefault("root-dir", "");
            if (!rootDir.isEmpty()) {
                paths = paths.withState(Path.of(rootDir).toAbsolutePath().normalize());
            }
            Optional<String> manifests = settings.get("staticPodPath");
            if (manifests.isPresent()) {
                paths = paths.withManifests(Path.of(manifests.get()));
            }
            Optional<String> logs = settings.get("podLogsDir");
            return logs.isPresent() ? paths.withPodLogs(Path.of(logs.get())) : paths;
        }

        private String nodeName() {
            String name = settings.get("nodeName").orElseGet(Typed::hostname).toLowerCase(Locale.ROOT);
            if (!name.matches("[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
                    || name.length() > 253) {
                String origin = settings.origin("nodeName");
                settings.error(
                        origin.isEmpty() ? "the host's name" : origin,
                        "",
                        "'" + name
                                + "' cannot be a node's name: letters, digits, '-' and '.' only; choose one with --hostname-override");
            }
            return name;
        }

        private static String hostname() {
            try {
                return Files.readString(Path.of("/proc/sys/kernel/hostname")).trim();
            } catch (IOException e) {
                try {
                    return InetAddress.getLocalHost().getHostName();
                } catch (UnknownHostException unknown) {
                    return "localhost";
                }
            }
        }

        private List<String> cidrs() {
            List<String> cidrs = new ArrayList<>();
            int v4 = 0;
            int v6 = 0;
            for (String part : settings.get("podCIDR").orElse("").split(",", -1)) {
                String cidr = part.trim();
                if (cidr.isEmpty()) {
                    continue;
                }
                boolean isV6 = cidr.contains(":");
                if (!isCidr(cidr, isV6)) {
                    settings.error(
                            settings.origin("podCIDR"),
                            "podCIDR",
                            "expected a range like 10.88.0.0/16 or fd00:88::/64, found '" + cidr + "'");
                } else {
                    checkSubnet(cidr);
                }
                v6 += isV6 ? 1 : 0;
                v4 += isV6 ? 0 : 1;
                cidrs.add(cidr);
            }
            if (v4 > 1 || v6 > 1) {
                settings.error(
                        settings.origin("podCIDR"), "podCIDR", "expected at most one range of each address family");
            }
            return cidrs;
        }

        private void checkSubnet(String cidr) {
            try {
                PodNetworkConfig.parsePodCidrs(cidr);
            } catch (IllegalArgumentException e) {
                settings.error(settings.origin("podCIDR"), "podCIDR", String.valueOf(e.getMessage()));
            }
        }

        /** The value, which is to be addresses. */
        private List<String> addresses(String field, List<String> values) {
            for (String value : values) {
                try {
                    IpPrefix.parseAddress(value);
                } catch (IllegalArgumentException e) {
                    String origin = settings.origin(field);
                    settings.error(
                            origin,
                            origin.startsWith("--") ? "" : field,
                            "expected an IP address like 10.96.0.10 or fd00::10, found '" + value + "'");
                }
            }
            return values;
        }

        private static boolean isCidr(String text, boolean v6) {
            int slash = text.indexOf('/');
            if (slash < 0 || !text.substring(slash + 1).matches("[0-9]{1,3}")) {
                return false;
            }
            int bits = Integer.parseInt(text.substring(slash + 1));
            String address = text.substring(0, slash);
            boolean literal = v6
                    ? address.matches("[0-9a-fA-F:.]+")
                    : address.matches("((25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(\\.|$)){4}");
            return literal && bits <= (v6 ? 128 : 32);
        }

        private Path cgroupRoot(String value) {
            if (!value.startsWith("/")) {
                settings.error(
                        settings.origin("cgroupRoot"),
                        "cgroupRoot",
                        "expected an absolute path, found '" + value + "'");
            }
            return Path.of(value);
        }

        private Optional<Path> endpoint(String field) {
            Optional<String> value = settings.get(field);
            if (value.isEmpty()) {
                return Optional.empty();
            }
            String path = value.get().startsWith("unix://") ? value.get().substring("unix://".length()) : value.get();
            if (!path.startsWith("/")) {
                settings.error(
                        settings.origin(field),
                        settings.origin(field).startsWith("--") ? "" : field,
                        "expected a socket like unix:///run/containerd/containerd.sock, found '" + value.get() + "'");
            }
            return Optional.of(Path.of(path));
        }

        private String logLevel() {
            Optional<String> level = settings.get("logging.level");
            if (level.isPresent()) {
                return level.get();
            }
            int verbosity = Integer.parseInt(settings.get("logging.verbosity").orElse("0"));
            return verbosity >= 4 ? "debug" : "info";
        }
    }
}
