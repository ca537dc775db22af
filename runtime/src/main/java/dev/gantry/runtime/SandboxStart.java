package dev.gantry.runtime;

import dev.gantry.cgroups.CgroupResources;
import dev.gantry.cri.v1.ContainerEventType;
import dev.gantry.cri.v1.NamespaceMode;
import dev.gantry.cri.v1.NamespaceOption;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.cri.v1.Protocol;
import dev.gantry.linux.Fd;
import dev.gantry.linux.netlink.IpPrefix;
import dev.gantry.netns.DnsConfig;
import dev.gantry.netns.NetworkHints;
import dev.gantry.netns.PodAddresses;
import dev.gantry.netns.PodNetworkRequest;
import dev.gantry.netns.PortMapping;
import dev.gantry.netns.PortProtocol;
import dev.gantry.netns.PreparedNamespace;
import dev.gantry.runtime.pause.Pause;
import dev.gantry.runtime.pause.PauseLauncher;
import dev.gantry.runtime.pause.PauseSpec;
import dev.gantry.runtime.pause.PodNamespace;
import dev.gantry.runtime.pause.UserMaps;
import dev.gantry.runtime.program.Program;
import dev.gantry.runtime.spec.PodUsers;
import dev.gantry.runtime.spec.SandboxProgram;
import dev.gantry.runtime.spec.SeLinuxLabels;
import dev.gantry.runtime.spec.SpecException;
import dev.gantry.runtime.spec.Sysctls;
import java.io.IOException;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** Brings a sandbox up: pause in its namespaces, the network, the files its containers share. */
final class SandboxStart {
    /** Kubernetes' for the process that holds a pod together: the last to be killed for memory. */
    private static final int OOM_SCORE_ADJ = -998;

    private final Machine machine;

    SandboxStart(Machine machine) {
        this.machine = machine;
    }

    /** Within the queue. On failure all is undone before the exception is seen. */
    void start(Sandbox sandbox, Optional<Spare> spare) throws IOException, SpecException {
        try {
            PodSandboxConfig config = sandbox.config();
            if (PodUsers.of(config.getLinux().getSecurityContext().getNamespaceOptions())
                    .isPresent()) {
                machine.users().require();
            }
            CgroupResources limits = Limits.of(config.getLinux().getResources());
            sandbox.cgroup().create(sandbox.record().ownsCgroup() ? limits : CgroupResources.NONE);
            List<String> ips = spare.isPresent() ? launchAndConnect(sandbox, spare.get()) : launchThenConnect(sandbox);
            new SandboxEtc(machine).write(sandbox, ips);
            sandbox.become(sandbox.record().ready(ips));
            sandbox.announce(
                    sandbox.id(),
                    ContainerEventType.CONTAINER_CREATED_EVENT,
                    sandbox.record().createdAt());
            sandbox.announce(
                    sandbox.id(),
                    ContainerEventType.CONTAINER_STARTED_EVENT,
                    machine.clock().instant());
        } catch (IOException | SpecException | RuntimeException e) {
            try {
                new Teardown(machine).erase(sandbox);
            } catch (IOException | RuntimeException more) {
                e.addSuppressed(more);
            }
            throw e;
        }
    }

    /** Whether the pod begins in a network namespace that could have been made before. */
    static boolean takesSpare(PodSandboxConfig config) {
        NamespaceOption namespaces = config.getLinux().getSecurityContext().getNamespaceOptions();
        return namespaces.getNetwork() == NamespaceMode.POD
                && (!namespaces.hasUsernsOptions()
                        || namespaces.getUsernsOptions().getMode() == NamespaceMode.NODE);
    }

    /** While pause sets itself up, its network is made. */
    private List<String> launchAndConnect(Sandbox sandbox, Spare spare) throws IOException, SpecException {
        try (PauseLauncher.Launching launching = launch(sandbox, Optional.of(spare.pause()))) {
            List<String> ips = connect(sandbox, spare.namespace().netns(), Optional.of(spare.namespace()));
            sandbox.connected(launching.await());
            return ips;
        }
    }

    private List<String> launchThenConnect(Sandbox sandbox) throws IOException, SpecException {
        Pause pause = launch(sandbox, Optional.empty()).await();
        sandbox.connected(pause);
        if (sandbox.hostNetwork()) {
            return List.of();
        }
        try (Fd netns = pause.namespace("net")) {
            return connect(sandbox, netns, Optional.empty());
        }
    }

    private PauseLauncher.Launching launch(Sandbox sandbox, Optional<PauseLauncher.Prepared> prepared)
            throws IOException, SpecException {
        PodSandboxConfig config = sandbox.config();
        Set<PodNamespace> namespaces = EnumSet.allOf(PodNamespace.class);
        if (prepared.isPresent()) {
            // it is in one already
            namespaces.remove(PodNamespace.NETWORK);
        }
        if (sandbox.hostNetwork()) {
            namespaces.remove(PodNamespace.NETWORK);
            // Whoever has the host's addresses has its name too.
            namespaces.remove(PodNamespace.UTS);
        }
        if (sandbox.hostIpc()) {
            namespaces.remove(PodNamespace.IPC);
        }
        if (sandbox.hostPid()) {
            namespaces.remove(PodNamespace.PID);
        }
        Optional<UserMaps> users =
                PodUsers.of(config.getLinux().getSecurityContext().getNamespaceOptions());
        Program setup = SandboxProgram.write(
                sandbox.hostNetwork() ? "" : sandbox.hostname(),
                Sysctls.compile(config.getLinux().getSysctlsMap(), sandbox.hostNetwork(), sandbox.hostIpc()),
                OptionalInt.of(Math.max(OOM_SCORE_ADJ, machine.facts().oomScoreAdjFloor())),
                users,
                SeLinuxLabels.of(
                        config.getLinux().getSecurityContext().getSelinuxOptions(),
                        config.getMetadata().getUid(),
                        machine.facts().seLinux()));
        if (machine.cgroups().naming().hasSlices()) {
            sandbox.cgroup().createKeeper(sandbox.id());
        }
        sandbox.pauseCgroup().create();
        try (Fd cgroup = sandbox.pauseCgroup().open()) {
            return machine.pauses()
                    .begin(
                            new PauseSpec(
                                    machine.run().socket(sandbox.id()),
                                    namespaces,
                                    users,
                                    Optional.of(cgroup),
                                    setup,
                                    List.of()),
                            prepared,
                            sandbox);
        }
    }

    private List<String> connect(Sandbox sandbox, Fd netns, Optional<PreparedNamespace> prepared)
            throws IOException, SpecException {
        PodSandboxConfig config = sandbox.config();
        PodAddresses addresses = machine.network()
                .add(new PodNetworkRequest(
                        sandbox.id(),
                        config.getMetadata().getNamespace(),
                        config.getMetadata().getName(),
                        config.getMetadata().getUid(),
                        netns,
                        ports(config),
                        prepared,
                        new NetworkHints(
                                config.getAnnotationsMap(),
                                new DnsConfig(
                                        config.getDnsConfig().getServersList(),
                                        config.getDnsConfig().getSearchesList(),
                                        config.getDnsConfig().getOptionsList()),
                                config.getLinux().getCgroupParent())));
        return addresses.ips().stream().map(IpPrefix::format).toList();
    }

    private static List<PortMapping> ports(PodSandboxConfig config) throws SpecException, IOException {
        List<PortMapping> ports = new ArrayList<>();
        for (dev.gantry.cri.v1.PortMapping port : config.getPortMappingsList()) {
            if (port.getHostPort() <= 0) {
                // A port that is only documentation.
                continue;
            }
            ports.add(new PortMapping(
                    protocol(port.getProtocol()),
                    port.getHostIp().isEmpty() ? Optional.empty() : Optional.of(address(port.getHostIp())),
                    port.getHostPort(),
                    port.getContainerPort()));
        }
        return ports;
    }

    private static InetAddress address(String text) throws SpecException, IOException {
        // A name would be looked up, which may take for ever.
        if (!text.matches("[0-9.]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*")) {
            throw SpecException.invalid("port_mappings: host_ip '%s': must be an address", text);
        }
        return InetAddress.getByName(text);
    }

    private static PortProtocol protocol(Protocol protocol) throws SpecException {
        return switch (protocol) {
            case TCP -> PortProtocol.TCP;
            case UDP -> PortProtocol.UDP;
            case SCTP -> PortProtocol.SCTP;
            case UNRECOGNIZED -> throw SpecException.unsupported("port_mappings: unknown protocol %s", protocol);
        };
    }
}
