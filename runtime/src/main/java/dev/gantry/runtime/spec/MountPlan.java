package dev.gantry.runtime.spec;

import dev.gantry.cri.v1.Mount;
import dev.gantry.linux.MountFlags;
import dev.gantry.runtime.pause.UserMaps;
import dev.gantry.runtime.spec.MountSpec.Bind;
import dev.gantry.runtime.spec.MountSpec.FileSystem;
import dev.gantry.runtime.spec.MountSpec.Ids;
import dev.gantry.runtime.spec.MountSpec.ImageVolume;
import dev.gantry.runtime.spec.MountSpec.Propagation;
import dev.gantry.runtime.spec.MountSpec.SharedMemory;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Which mounts a container gets and in which order. */
final class MountPlan {
    private static final long NOSUID = MountFlags.MOUNT_ATTR_NOSUID;
    private static final long NOEXEC = MountFlags.MOUNT_ATTR_NOEXEC;
    private static final long NODEV = MountFlags.MOUNT_ATTR_NODEV;
    private static final long RDONLY = MountFlags.MOUNT_ATTR_RDONLY;

    /** What decides about the default mounts. */
    record Settings(
            boolean privileged,
            boolean privateCgroupNamespace,
            Optional<String> hostCgroups,
            boolean hostIpc,
            boolean readOnlyRoot,
            SandboxFiles files,
            Optional<UserMaps> users) {}

    private final HostFiles host;
    private final VolumeImages images;

    MountPlan(HostFiles host, VolumeImages images) {
        this.host = host;
        this.images = images;
    }

    List<MountSpec> compile(Settings settings, List<Mount> requested) throws SpecException, IOException {
        List<MountSpec> binds = new ArrayList<>();
        Set<String> taken = new HashSet<>();
        for (int i = 0; i < requested.size(); i++) {
            String field = "mounts[" + i + "]";
            MountSpec mount = requested.get(i).getImage().getImage().isEmpty()
                    ? bind(field, requested.get(i), settings.users())
                    : imageVolume(field, i, requested.get(i), settings.users());
            binds.add(mount);
            taken.add(mount.target());
        }
        List<MountSpec> mounts = new ArrayList<>();
        for (MountSpec mount : defaults(settings)) {
            boolean replaced = taken.contains(mount.target())
                    // A pod that brings its own /dev gets nothing of ours in it.
                    || (taken.contains("/dev") && mount.target().startsWith("/dev/"));
            if (!replaced) {
                mounts.add(mount);
            }
        }
        mounts.addAll(binds);
        // A stable sort: parents before children, otherwise as given.
        mounts.sort(Comparator.comparingInt(mount -> ContainerPaths.depth(mount.target())));
        return mounts;
    }

    private static List<MountSpec> defaults(Settings settings) {
        List<MountSpec> mounts = new ArrayList<>();
        mounts.add(new FileSystem("/proc", "proc", List.of(), NOSUID | NOEXEC | NODEV));
        mounts.add(new FileSystem(
                "/dev", "tmpfs", List.of("mode=755", "size=65536k"), NOSUID | MountFlags.MOUNT_ATTR_STRICTATIME));
        mounts.add(
                new FileSystem("/dev/pts", "devpts", List.of("ptmxmode=0666", "mode=0620", "gid=5"), NOSUID | NOEXEC));
        mounts.add(
                settings.hostIpc
                        ? new Bind("/dev/shm", "/dev/shm", true, false, false, false, Propagation.PRIVATE, 0, Ids.HOST)
                        : new SharedMemory("/dev/shm"));
        // A fresh mount shows the queues of the IPC namespace that the process is in, so the host's too.
        mounts.add(new FileSystem("/dev/mqueue", "mqueue", List.of(), NOSUID | NOEXEC | NODEV));
        long sysReadOnly = settings.privileged ? 0 : RDONLY;
        mounts.add(new FileSystem("/sys", "sysfs", List.of(), NOSUID | NOEXEC | NODEV | sysReadOnly));
        if (settings.privateCgroupNamespace) {
            mounts.add(new FileSystem("/sys/fs/cgroup", "cgroup2", List.of(), NOSUID | NOEXEC | NODEV | sysReadOnly));
        } else {
            // A fresh mount from the host's cgroup namespace would change the options of the shared superblock.
            settings.hostCgroups.ifPresent(path -> mounts.add(new Bind(
                    "/sys/fs/cgroup",
                    path,
                    true,
                    false,
                    !settings.privileged,
                    false,
                    Propagation.PRIVATE,
                    NOSUID | NOEXEC | NODEV,
                    Ids.HOST)));
        }
        settings.files.hosts().ifPresent(path -> mounts.add(file("/etc/hosts", path, settings)));
        settings.files.hostname().ifPresent(path -> mounts.add(file("/etc/hostname", path, settings)));
        settings.files.resolvConf().ifPresent(path -> mounts.add(file("/etc/resolv.conf", path, settings)));
        return mounts;
    }

    private static Bind file(String target, String source, Settings settings) {
        return new Bind(
                target,
                source,
                false,
                false,
                settings.readOnlyRoot(),
                false,
                Propagation.PRIVATE,
                0,
                settings.users().isPresent() ? Ids.POD_IF_POSSIBLE : Ids.HOST);
    }

    private Bind bind(String field, Mount mount, Optional<UserMaps> users) throws SpecException, IOException {
        String target = ContainerPaths.mountTarget(field + ".container_path", mount.getContainerPath());
        if (!mount.getImageSubPath().isEmpty()) {
            throw SpecException.invalid("%s.image_sub_path: needs an image", field);
        }
        Ids ids = PodUsers.areMapped(field, mount.getUidMappingsList(), mount.getGidMappingsList(), users)
                ? Ids.POD
                : Ids.HOST;
        Propagation propagation = propagation(field, mount);
        if (mount.getRecursiveReadOnly()) {
            if (!mount.getReadonly()) {
                throw SpecException.invalid("%s.recursive_read_only: needs readonly too", field);
            }
            if (propagation != Propagation.PRIVATE) {
                throw SpecException.invalid("%s.recursive_read_only: needs private propagation", field);
            }
        }
        String source = ContainerPaths.normalised(field + ".host_path", mount.getHostPath());
        HostFiles.Kind kind = host.kind(source);
        if (kind == HostFiles.Kind.MISSING) {
            // What containerd does; the kubelet has applied the volume's type before.
            host.createDirectory(source);
        }
        return new Bind(
                target,
                source,
                kind != HostFiles.Kind.OTHER,
                true,
                mount.getReadonly(),
                mount.getRecursiveReadOnly(),
                propagation,
                attributes(field, mount.getMountOptionsList()),
                ids);
    }

    private ImageVolume imageVolume(String field, int index, Mount mount, Optional<UserMaps> users)
            throws SpecException, IOException {
        String target = ContainerPaths.mountTarget(field + ".container_path", mount.getContainerPath());
        String image = mount.getImage().getImage();
        if (!mount.getHostPath().isEmpty()) {
            throw SpecException.invalid("%s: has both an image and a host_path", field);
        }
        if (!mount.getReadonly()) {
            throw SpecException.invalid("%s.readonly: an image can only be mounted read-only", field);
        }
        if (propagation(field, mount) != Propagation.PRIVATE) {
            throw SpecException.invalid("%s.propagation: of an image it must be private", field);
        }
        // Its files are the pod's in any case, as those of the root are.
        var unused = PodUsers.areMapped(field, mount.getUidMappingsList(), mount.getGidMappingsList(), users);
        String path = ContainerPaths.normalised(field + ".image_sub_path", "/" + mount.getImageSubPath());
        HostFiles.Kind kind = images.kind(index, path);
        if (kind == HostFiles.Kind.MISSING) {
            throw SpecException.invalid(
                    "%s.image_sub_path '%s': not in image '%s'", field, mount.getImageSubPath(), image);
        }
        return new ImageVolume(
                target,
                index,
                image,
                path.substring(1),
                attributes(field, mount.getMountOptionsList()),
                kind == HostFiles.Kind.DIRECTORY);
    }

    private static Propagation propagation(String field, Mount mount) throws SpecException {
        return switch (mount.getPropagation()) {
            case PROPAGATION_PRIVATE -> Propagation.PRIVATE;
            case PROPAGATION_HOST_TO_CONTAINER -> Propagation.HOST_TO_CONTAINER;
            case PROPAGATION_BIDIRECTIONAL -> Propagation.BIDIRECTIONAL;
            case UNRECOGNIZED ->
                throw SpecException.invalid("%s.propagation: unknown value %d", field, mount.getPropagationValue());
        };
    }

    private static long attributes(String field, List<String> options) throws SpecException {
        long attributes = 0;
        for (String option : options) {
            attributes |= switch (option) {
                case "noexec" -> NOEXEC;
                case "nosuid" -> NOSUID;
                case "nodev" -> NODEV;
                default ->
                    throw SpecException.unsupported(
                            "%s.mount_options: '%s' is not one of noexec, nosuid, nodev", field, option);
            };
        }
        return attributes;
    }
}
