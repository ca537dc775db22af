package dev.gantry.agent.config;

import java.util.List;
import java.util.Set;

/** The flags of {@code gantry agent}. Most stand for a field of the configuration file, and win over it. */
public final class Flags {
    /**
     * One flag.
     *
     * @param field the configuration field it sets; empty if it has none
     * @param label what its value is called in the help
     */
    public record Flag(String name, String field, String label, String help) {}

    private static final Set<String> RUNTIME_NAMES = Set.of(
            "config",
            "config-dir",
            "root-dir",
            "network",
            "cni-conf-dir",
            "cni-bin-dir",
            "pod-cidr",
            "cgroup-root",
            "cgroup-driver",
            "image-archives",
            "image-registry-config",
            "v",
            "log-level");

    private static final Set<String> RUN_NAMES =
            Set.of("network", "cni-conf-dir", "cni-bin-dir", "image-registry-config");

    /** All of them, in the order of the help. */
    public static final List<Flag> ALL = List.of(
            new Flag("config", "", "FILE", "Configuration file; default: /etc/gantry/config.yaml, if there is one."),
            new Flag(
                    "config-dir",
                    "",
                    "DIR",
                    "Files *.conf, *.yaml and *.yml in it are merged over the configuration file, in the order of their names; default: config.d beside the file."),
            new Flag("root-dir", "", "DIR", "Directory for images, volumes and addresses; default: /var/lib/gantry."),
            new Flag(
                    "pod-manifest-path",
                    "staticPodPath",
                    "PATH",
                    "Directory of static pods, or one file; default: /etc/kubernetes/manifests."),
            new Flag("pod-log-dir", "podLogsDir", "DIR", "Directory for containers' logs; default: /var/log/pods."),
            new Flag("hostname-override", "nodeName", "NAME", "Name of this node; default: the host's name."),
            new Flag("node-ip", "nodeIP", "ADDRESS", "Address of this node; default: that of the default route."),
            new Flag(
                    "network",
                    "network",
                    "NAME",
                    "What connects pods: builtin, a bridge made by Gantry itself; cni, plugins by the Container Network Interface; none; default: builtin."),
            new Flag(
                    "cni-conf-dir",
                    "cniConfDir",
                    "DIR",
                    "With cni: directory of network configurations, of which the first by name counts; default: /etc/cni/net.d."),
            new Flag(
                    "cni-bin-dir",
                    "cniBinDir",
                    "DIR[,DIR]",
                    "With cni: directories of plugins, searched in this order; default: /opt/cni/bin,/usr/lib/cni."),
            new Flag(
                    "pod-cidr",
                    "podCIDR",
                    "CIDR[,CIDR]",
                    "Addresses for pods: one IPv4 range, one IPv6 range, or both; default: a /22 of 10.86.0.0/16 that is free."),
            new Flag("cluster-dns", "clusterDNS", "ADDRESS[,…]", "Name servers for pods with dnsPolicy ClusterFirst."),
            new Flag(
                    "cluster-domain",
                    "clusterDomain",
                    "DOMAIN",
                    "Domain to search in pods with dnsPolicy ClusterFirst."),
            new Flag(
                    "resolv-conf",
                    "resolvConf",
                    "FILE",
                    "The resolver configuration that pods get; default: /etc/resolv.conf."),
            new Flag(
                    "cgroup-root",
                    "cgroupRoot",
                    "DIR",
                    "A cgroup v2 directory that is the agent's, as the kernel names it, such as /gantry.slice; default: what systemd delegates to the agent, else the top; `gantry runtime` takes the top, where its clients name the cgroups of pods."),
            new Flag(
                    "cgroup-driver",
                    "cgroupDriver",
                    "NAME",
                    "How pods' cgroups are named: cgroupfs or systemd; default: cgroupfs."),
            new Flag(
                    "container-runtime-endpoint",
                    "containerRuntimeEndpoint",
                    "URL",
                    "Use the runtime behind this socket, such as unix:///run/containerd/containerd.sock, instead of the built-in one."),
            new Flag(
                    "image-service-endpoint",
                    "imageServiceEndpoint",
                    "URL",
                    "Its image service, if that is elsewhere."),
            new Flag(
                    "image-archives",
                    "imageArchives",
                    "DIR",
                    "Directory of image archives that is asked before any registry."),
            new Flag(
                    "image-registry-config",
                    "imageRegistryConfig",
                    "DIR[,DIR]",
                    "Directories with mirrors and certificates of registries, in containerd's form NAME/hosts.toml; default: /etc/gantry/certs.d, /etc/containerd/certs.d, /etc/docker/certs.d, with --root before them certs.d below it."),
            new Flag(
                    "seccomp-default",
                    "seccompDefault",
                    "true|false",
                    "Whether pods that name no seccomp profile get the runtime's own; default: true."),
            new Flag(
                    "v",
                    "logging.verbosity",
                    "LEVEL",
                    "The kubelet's log verbosity: 0 to 3 informational, 4 and more debugging."),
            new Flag("log-level", "logging.level", "LEVEL", "error, warn, info or debug; default: info."));

    /** Those that also say something to the runtime alone, {@code gantry runtime}. */
    public static final List<Flag> RUNTIME =
            ALL.stream().filter(flag -> RUNTIME_NAMES.contains(flag.name())).toList();

    /** Those that also say something to an agent that runs only as long as its pods, {@code gantry run}. */
    public static final List<Flag> RUN =
            ALL.stream().filter(flag -> RUN_NAMES.contains(flag.name())).toList();

    private Flags() {}
}
