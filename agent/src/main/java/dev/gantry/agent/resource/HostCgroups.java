package dev.gantry.agent.resource;

import dev.gantry.agent.cri.PodCgroups;
import dev.gantry.cgroups.Cgroup;
import dev.gantry.cgroups.CgroupException;
import dev.gantry.cgroups.CgroupNaming;
import dev.gantry.cgroups.CgroupResources;
import dev.gantry.cgroups.CgroupTree;
import dev.gantry.cgroups.Missing;
import dev.gantry.cgroups.QosClass;
import dev.gantry.cgroups.SliceManager;
import dev.gantry.cgroups.SystemdSlices;
import dev.gantry.cri.v1.LinuxContainerResources;
import dev.gantry.linux.Linux;
import dev.gantry.runtime.Limits;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The cgroups of pods on a host with cgroup v2 whose runtime makes those of containers only: what a kubelet makes itself
 * (pkg/kubelet/cm/pod_container_manager_linux.go). At the top of the tree, where the runtime looks for them.
 */
public final class HostCgroups implements PodCgroups {
    private static final Logger LOG = LoggerFactory.getLogger(HostCgroups.class);
    private static final Path MOUNT = Path.of("/sys/fs/cgroup");
    private static final Pattern POD = Pattern.compile("pod.+|kubepods(-burstable|-besteffort)?-pod.+\\.slice");

    private final CgroupTree tree;
    private final SliceManager slices;
    private final EmptyCgroups empty;
    private final Executor pool;
    private final Set<String> said = ConcurrentHashMap.newKeySet();

    HostCgroups(CgroupTree tree, SliceManager slices, EmptyCgroups empty, Executor pool) {
        this.tree = tree;
        this.slices = slices;
        this.empty = empty;
        this.pool = pool;
    }

    /**
     * Of this host; empty where it has cgroup v1, whose limits of pods are not set.
     *
     * @param naming how the runtime makes cgroups: itself, or through systemd
     * @param pool where files are written
     */
    public static Optional<HostCgroups> ofHost(Linux linux, CgroupNaming naming, Executor pool) {
        if (!Files.exists(MOUNT.resolve("cgroup.controllers"))) {
            return Optional.empty();
        }
        try {
            return Optional.of(new HostCgroups(
                    CgroupTree.ofHost(linux, MOUNT, naming),
                    naming == CgroupNaming.SYSTEMD ? new SystemdSlices() : SliceManager.NONE,
                    new EmptyCgroups(MOUNT),
                    pool));
        } catch (CgroupException e) {
            LOG.atWarn()
                    .setCause(e)
                    .log(
                            "Could not make the cgroup of all pods, the runtime's will have no limits for pods as a whole");
            return Optional.empty();
        }
    }

    public CgroupTree tree() {
        return tree;
    }

    public SliceManager slices() {
        return slices;
    }

    @Override
    public CompletableFuture<?> apply(String parent, LinuxContainerResources resources) {
        return CompletableFuture.runAsync(
                () -> {
                    try {
                        write(parent, resources);
                    } catch (CgroupException e) {
                        throw new CompletionException(e);
                    }
                },
                pool);
    }

    private void write(String parent, LinuxContainerResources resources) throws CgroupException {
        CgroupResources limits = Limits.of(resources);
        slices.apply(CgroupNaming.ofCgroupParent(parent), limits);
        for (Missing missing : tree.pod(parent).create(limits)) {
            if (said.add(missing.what())) {
                LOG.atWarn()
                        .addKeyValue("err", missing.reason())
                        .addKeyValue("remedy", missing.remedy())
                        .log("Pods as a whole are not limited by " + missing.what());
            }
        }
    }

    /** Removes the cgroup of a pod that is gone, unless something is in it. */
    public void remove(String parent) {
        if (empty.remove(parent)) {
            try {
                slices.remove(CgroupNaming.ofCgroupParent(parent));
            } catch (CgroupException e) {
                LOG.atWarn().addKeyValue("cgroup", parent).setCause(e).log("Could not end slice of a pod, going on");
            }
        }
    }

    /**
     * Removes the cgroups of pods that went while nobody looked, unless something is in them.
     *
     * @param inUse those of pods that there are, as CRI calls them
     */
    public void sweep(Set<String> inUse) throws CgroupException {
        for (Cgroup level : List.of(tree.pods(), tree.qos(QosClass.BURSTABLE), tree.qos(QosClass.BEST_EFFORT))) {
            Path directory = Path.of(level.path());
            String above = directory.toString().substring(tree.root().path().length());
            try (DirectoryStream<Path> children = Files.newDirectoryStream(directory, Files::isDirectory)) {
                for (Path child : children) {
                    String parent = above + "/" + child.getFileName();
                    if (POD.matcher(child.getFileName().toString()).matches() && !inUse.contains(parent)) {
                        remove(parent);
                    }
                }
            } catch (IOException e) {
                LOG.atWarn()
                        .addKeyValue("cgroup", directory)
                        .setCause(e)
                        .log("Could not look for cgroups of former pods");
            }
        }
    }
}
