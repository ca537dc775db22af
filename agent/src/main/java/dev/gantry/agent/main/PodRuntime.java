package dev.gantry.agent.main;

import dev.gantry.agent.api.Backend;
import dev.gantry.agent.config.AgentConfig;
import dev.gantry.agent.config.NetworkConfig;
import dev.gantry.agent.config.NodePaths;
import dev.gantry.agent.cri.CriRuntime;
import dev.gantry.agent.pod.ContainerEnvironment;
import dev.gantry.agent.pod.CriConfigs;
import dev.gantry.agent.pod.ImageState;
import dev.gantry.agent.pod.NodeFacts;
import dev.gantry.agent.pod.NodePolicy;
import dev.gantry.agent.pod.PodContainers;
import dev.gantry.agent.pod.PodDns;
import dev.gantry.agent.pod.Prepared;
import dev.gantry.agent.pod.SecurityContexts;
import dev.gantry.agent.pod.StartFailedException;
import dev.gantry.agent.stream.CriStreams;
import dev.gantry.agent.volume.ConfigObjects;
import dev.gantry.agent.volume.EnvFiles;
import dev.gantry.agent.volume.ManifestObjects;
import dev.gantry.agent.volume.VolumeException;
import dev.gantry.agent.volume.VolumePlan;
import dev.gantry.cgroups.CgroupNaming;
import dev.gantry.cri.transport.CriEventLoops;
import dev.gantry.cri.transport.CriTransport;
import dev.gantry.cri.transport.PeerPolicy;
import dev.gantry.cri.v1.CgroupDriver;
import dev.gantry.images.ImageStore;
import dev.gantry.linux.Linux;
import dev.gantry.linux.Stat;
import dev.gantry.runtime.ImageChoice;
import dev.gantry.runtime.NativeRuntime;
import dev.gantry.runtime.NativeRuntimeConfig;
import dev.gantry.runtime.PodNetworkChoice;
import dev.gantry.runtime.RuntimeSocket;
import dev.gantry.runtime.io.ContainerIo;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Quantity;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The runtime that the configuration names: the built-in one, or another behind a socket. To the pod engine they are the same. */
final class PodRuntime implements AutoCloseable {
    private static final Path TOP_OF_CGROUPS = Path.of("/");
    private static final String IMAGE_SERVICE = "runtime.v1.ImageService";
    private static final Duration CONFIG_PATIENCE = Duration.ofSeconds(5);

    private final Channel channel;
    private final ContainerIo io;
    private final CgroupNaming cgroups;
    private final @Nullable NativeRuntime builtIn;
    private final Runnable close;

    private PodRuntime(
            Channel channel, ContainerIo io, CgroupNaming cgroups, @Nullable NativeRuntime builtIn, Runnable close) {
        this.channel = channel;
        this.io = io;
        this.cgroups = cgroups;
        this.builtIn = builtIn;
        this.close = close;
    }

    static PodRuntime open(AgentConfig config) throws IOException {
        if (config.runtimeEndpoint().isPresent()) {
            return connect(
                    config.runtimeEndpoint().get(),
                    config.imageEndpoint(),
                    config.systemdCgroupNames() ? CgroupNaming.SYSTEMD : CgroupNaming.CGROUPFS);
        }
        NativeRuntime runtime = NativeRuntime.open(nativeConfig(config));
        return new PodRuntime(runtime.channel(), runtime.io(), CgroupNaming.CGROUPFS, runtime, runtime::close);
    }

    private static boolean isSocket(Path path) throws IOException {
        return Files.exists(path) && ((Integer) Files.getAttribute(path, "unix:mode") & Stat.S_IFMT) == Stat.S_IFSOCK;
    }

    private static PodRuntime connect(Path endpoint, Optional<Path> imageEndpoint, CgroupNaming configured)
            throws IOException {
        for (Path socket : imageEndpoint.isPresent() ? List.of(endpoint, imageEndpoint.get()) : List.of(endpoint)) {
            if (!isSocket(socket)) {
                throw new IOException(
                        "connect to the container runtime at unix://" + socket
                                + ": there is no such socket; start the runtime, or leave out --container-runtime-endpoint to use the built-in one");
            }
        }
        CriEventLoops loops = CriEventLoops.open(1);
        ManagedChannel runtime = CriTransport.unixChannel(endpoint, loops);
        CriRuntime cri = new CriRuntime(runtime);
        CriStreams io = new CriStreams(cri, loops);
        CgroupNaming cgroups = cgroups(cri, configured);
        if (imageEndpoint.isEmpty() || imageEndpoint.get().equals(endpoint)) {
            return new PodRuntime(runtime, io, cgroups, null, () -> {
                io.close();
                runtime.shutdownNow();
                loops.close();
            });
        }
        ManagedChannel images = CriTransport.unixChannel(imageEndpoint.get(), loops);
        return new PodRuntime(new ByService(runtime, images), io, cgroups, null, () -> {
            io.close();
            runtime.shutdownNow();
            images.shutdownNow();
            loops.close();
        });
    }

    /** Its own word, which it has since containerd 2.0 and CRI-O 1.28, wins over the configuration's, as in the kubelet (KEP-4033). */
    private static CgroupNaming cgroups(CriRuntime runtime, CgroupNaming configured) {
        try {
            return runtime.cgroupDriver()
                    .orTimeout(CONFIG_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
                    .join()
                    .map(driver -> driver == CgroupDriver.SYSTEMD ? CgroupNaming.SYSTEMD : CgroupNaming.CGROUPFS)
                    .orElse(configured);
        } catch (CompletionException e) {
            // It does not know the call, or is away: what is configured has to do.
            return configured;
        }
    }

    /** How the runtime wants the cgroups of pods to be called. */
    CgroupNaming cgroups() {
        return cgroups;
    }

    static NativeRuntimeConfig nativeConfig(AgentConfig config) {
        NodePaths paths = config.paths();
        return new NativeRuntimeConfig(
                paths.state(),
                paths.run(),
                network(config.network()),
                config.podCidrs(),
                config.cgroupRoot(),
                config.systemdCgroupNames(),
                new ImageChoice(config.images().archives(), config.images().registryConfig()),
                paths.isSystem(),
                List.of("gantry"));
    }

    /**
     * Of a runtime that serves CRI alone: the cgroup of a pod is named by the client, who means the machine's tree, not a
     * part that systemd may have delegated to this process. One under a directory of its own stays by itself.
     */
    static NativeRuntimeConfig standaloneConfig(AgentConfig config) {
        NativeRuntimeConfig runtime = nativeConfig(config);
        return runtime.cgroupRoot().isEmpty() && runtime.defaultSandbox()
                ? runtime.withCgroupRoot(TOP_OF_CGROUPS)
                : runtime;
    }

    private static PodNetworkChoice network(NetworkConfig config) {
        PodNetworkChoice.Kind kind = switch (config.kind()) {
            case "cni" -> PodNetworkChoice.Kind.CNI;
            case "none" -> PodNetworkChoice.Kind.NONE;
            default -> PodNetworkChoice.Kind.BUILT_IN;
        };
        return new PodNetworkChoice(
                kind,
                config.cniConfDir().orElse(PodNetworkChoice.CNI_CONF_DIR),
                config.cniBinDirs().isEmpty() ? PodNetworkChoice.CNI_BIN_DIRS : config.cniBinDirs());
    }

    Channel channel() {
        return channel;
    }

    /** Lets root and the user that this process runs as speak CRI to the runtime. */
    static RuntimeSocket serve(NativeRuntime runtime, Path socket) throws IOException {
        int self = Linux.system().processes().geteuid();
        return RuntimeSocket.serve(runtime, socket, PeerPolicy.rootAnd(self));
    }

    /** The one inside this process, which can be served to others. */
    Optional<NativeRuntime> builtIn() {
        return Optional.ofNullable(builtIn);
    }

    Optional<ImageStore> images() {
        return Optional.ofNullable(builtIn).map(NativeRuntime::images);
    }

    ContainerIo io() {
        return io;
    }

    /** The system calls that would start the pods' containers. */
    String explain(AgentConfig config, Backend.Content manifest) throws IOException {
        NativeRuntime runtime = builtIn;
        if (runtime == null) {
            throw new IOException("only the built-in runtime can explain what it does");
        }
        NodePolicy policy = NodeProbe.policy(config);
        NodeFacts facts = NodeProbe.facts(config);
        Map<String, Quantity> allocatable = facts.resources().allocatable().quantities();
        CriConfigs configs = new CriConfigs(
                facts,
                Agent.podPaths(config.paths()),
                new PodDns(config.clusterDns(), config.clusterDomain().orElse("")),
                new SecurityContexts(
                        policy,
                        Agent.podPaths(config.paths()).seccomp(),
                        uid -> Optional.of(policy.userIds().range(0))));
        String resolvConf = Files.exists(config.resolvConf()) ? Files.readString(config.resolvConf()) : "";
        ManifestObjects objects = new ManifestObjects();
        objects.replace(manifest.objects());
        StringBuilder text = new StringBuilder();
        for (Pod pod : manifest.pods()) {
            if (pod.getMetadata().getUid() == null) {
                pod.getMetadata().setUid(new UUID(0, 0).toString());
            }
            for (Container container : PodContainers.all(pod)) {
                String name = pod.getMetadata().getNamespace() + "/"
                        + pod.getMetadata().getName() + ", container " + container.getName();
                text.append(text.length() == 0 ? "" : "\n")
                        .append("# ")
                        .append(name)
                        .append('\n');
                try {
                    text.append(runtime.explain(
                            configs.sandbox(pod, 0, resolvConf),
                            configs.container(
                                    pod,
                                    container,
                                    0,
                                    new ImageState.Present(container.getImage(), OptionalLong.empty(), ""),
                                    Duration.ZERO,
                                    prepared(config, pod, container, objects, allocatable))));
                } catch (StartFailedException | VolumeException e) {
                    throw new IOException(name + ": " + e.getMessage(), e);
                }
            }
        }
        return text.toString();
    }

    private static Prepared prepared(
            AgentConfig config, Pod pod, Container container, ConfigObjects objects, Map<String, Quantity> allocatable)
            throws StartFailedException, VolumeException {
        ContainerEnvironment environment = ContainerEnvironment.of(pod, container, objects, EnvFiles.NONE, allocatable);
        return new Prepared(
                environment,
                VolumePlan.mounts(Agent.podPaths(config.paths()).pods(), pod, container, environment.variables()));
    }

    @Override
    public void close() {
        close.run();
    }

    /** Sends calls of the image service one way and all others another. */
    private static final class ByService extends Channel {
        private final Channel runtime;
        private final Channel images;

        ByService(Channel runtime, Channel images) {
            this.runtime = runtime;
            this.images = images;
        }

        @Override
        public <Q, A> ClientCall<Q, A> newCall(MethodDescriptor<Q, A> method, CallOptions options) {
            boolean image = IMAGE_SERVICE.equals(method.getServiceName());
            return (image ? images : runtime).newCall(method, options);
        }

        @Override
        public String authority() {
            return runtime.authority();
        }
    }
}
