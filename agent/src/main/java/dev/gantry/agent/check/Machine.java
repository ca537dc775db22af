package dev.gantry.agent.check;

import dev.gantry.linux.LinuxCapability;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** What can be asked of a machine without changing it. */
interface Machine {
    /** Something that the kernel does or does not do; found out by doing it, where nothing is left of it. */
    enum Probe {
        OPENAT2,
        PIDFD,
        SEALED_MEMFD,
        MOUNT_API,
        OVERLAY,
        MOUNT_NAMESPACE,
        NETWORK_NAMESPACE,
        NF_TABLES,
        DEVICE_FILTER,
        SECCOMP
    }

    /** The file system that a path is on. */
    record Space(String fileSystem, long freeBytes, long totalBytes, long freeInodes, long totalInodes) {}

    /** Whose lock or port it is. */
    record Program(int pid, String name) {}

    /** Contents of a small file, without white space at the end; empty if it cannot be read. */
    Optional<String> file(String path);

    boolean exists(String path);

    /** Why it does not work; empty if it does. */
    Optional<String> failure(Probe probe);

    /** Packet filters' chains that drop forwarded packets which none of their rules accepts, such as {@code ip filter FORWARD}. */
    List<String> forwardDrops();

    String kernelRelease();

    String javaVersion();

    boolean isRoot();

    Set<LinuxCapability> capabilities();

    /** Mount points of cgroup v2, in the order of mounting. */
    List<String> cgroup2Mounts();

    /** Where the path is, or would be. */
    Optional<Space> space(Path path);

    /** The SELinux label of the path, or of where it would be: {@code user:role:type:level}; empty if it has none. */
    Optional<String> seLinuxLabel(Path path);

    /** Running programs of these names. */
    List<Program> programs(Set<String> names);

    /** Whether something listens on a TCP port of this host. */
    boolean isTcpPortTaken(int port);

    /** Whether an agent answers at a socket. */
    boolean answers(Path socket);
}
