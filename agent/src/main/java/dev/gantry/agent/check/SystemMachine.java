package dev.gantry.agent.check;

import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FileSystemStatus;
import dev.gantry.linux.Linux;
import dev.gantry.linux.LinuxCapability;
import dev.gantry.linux.Memory;
import dev.gantry.linux.MountInfo;
import dev.gantry.linux.Prctl;
import dev.gantry.linux.Sched;
import dev.gantry.linux.Security;
import dev.gantry.linux.netlink.NetlinkSocket;
import dev.gantry.linux.netlink.NfTables;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The machine this runs on. */
final class SystemMachine implements Machine {
    /** {@code r0 = 1; exit}: a device filter that allows everything. Loaded, never attached. */
    private static final byte[] ALLOW_ALL = {(byte) 0xb7, 0, 0, 0, 1, 0, 0, 0, (byte) 0x95, 0, 0, 0, 0, 0, 0, 0};

    private static final long OVERLAYFS = 0x794c7630L;
    private static final long NFS = 0x6969L;

    private final Linux linux;

    SystemMachine(Linux linux) {
        this.linux = linux;
    }

    @Override
    public Optional<String> file(String path) {
        try {
            return Optional.of(
                    Files.readString(Path.of(path), StandardCharsets.ISO_8859_1).stripTrailing());
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    @Override
    public boolean exists(String path) {
        return Files.exists(Path.of(path));
    }

    @Override
    public Optional<String> failure(Probe probe) {
        try {
            attempt(probe);
            return Optional.empty();
        } catch (ErrnoException e) {
            return Optional.of(String.valueOf(e.errno()));
        } catch (IOException e) {
            Throwable cause = e.getCause();
            return Optional.of(
                    cause instanceof ErrnoException errno
                            ? String.valueOf(errno.errno())
                            : String.valueOf(e.getMessage()));
        }
    }

    private void attempt(Probe probe) throws IOException {
        switch (probe) {
            case OPENAT2 ->
                linux.files()
                        .openat2(Fd.AT_FDCWD, "/proc", Fcntl.O_RDONLY | Fcntl.O_DIRECTORY, 0, Fcntl.RESOLVE_NO_SYMLINKS)
                        .close();
            case PIDFD ->
                linux.processes().pidfdOpen(linux.processes().getpid()).close();
            case SEALED_MEMFD ->
                linux.memory()
                        .memfdCreate("gantry-check", Memory.MFD_CLOEXEC | Memory.MFD_ALLOW_SEALING)
                        .close();
            case MOUNT_API -> linux.mounts().fsopen("tmpfs").close();
            case OVERLAY -> linux.mounts().fsopen("overlay").close();
            case MOUNT_NAMESPACE ->
                linux.namespaces()
                        .runOnFreshThread("check-mnt", () -> linux.namespaces().unshare(Sched.CLONE_NEWNS));
            case NETWORK_NAMESPACE ->
                linux.namespaces()
                        .runOnFreshThread("check-net", () -> linux.namespaces().unshare(Sched.CLONE_NEWNET));
            case NF_TABLES -> linux.namespaces().runOnFreshThread("check-nft", this::makeTable);
            case DEVICE_FILTER ->
                linux.bpf()
                        .progLoad(
                                dev.gantry.linux.BpfCalls.BPF_PROG_TYPE_CGROUP_DEVICE, ALLOW_ALL, "Apache-2.0", "check")
                        .close();
            case SECCOMP -> {
                if (!linux.security().isSeccompActionAvailable(Prctl.SECCOMP_RET_ERRNO)) {
                    throw new IOException("not available");
                }
            }
        }
    }

    /** In a network namespace that goes with the thread. */
    private void makeTable() throws IOException {
        linux.namespaces().unshare(Sched.CLONE_NEWNET);
        try (NetlinkSocket netfilter = NetlinkSocket.open(NetlinkSocket.Protocol.NETFILTER)) {
            netfilter.transact(NfTables.batch(List.of(NfTables.addTable("gantry-check", "gone in a moment"))));
        }
    }

    @Override
    public List<String> forwardDrops() {
        try (NetlinkSocket netfilter = NetlinkSocket.open(NetlinkSocket.Protocol.NETFILTER)) {
            return NfTables.parseBaseChains(netfilter.query(NfTables.listChains())).stream()
                    .filter(chain -> chain.drops() && chain.isCalledAt(NfTables.Hook.FORWARD))
                    .map(chain -> chain.family() + " " + chain.table() + " " + chain.name())
                    .toList();
        } catch (IOException e) {
            return List.of(); // that there is no packet filter, another finding says
        }
    }

    @Override
    public String kernelRelease() {
        return file("/proc/sys/kernel/osrelease").orElse("");
    }

    @Override
    public String javaVersion() {
        return System.getProperty("java.version", "");
    }

    @Override
    public boolean isRoot() {
        return linux.processes().geteuid() == 0;
    }

    @Override
    public Set<LinuxCapability> capabilities() {
        Set<LinuxCapability> capabilities = EnumSet.noneOf(LinuxCapability.class);
        try {
            Security.CapabilitySets sets = linux.security().capget();
            for (LinuxCapability capability : LinuxCapability.values()) {
                if (sets.isEffective(capability)) {
                    capabilities.add(capability);
                }
            }
        } catch (ErrnoException e) {
            // none are known, so none are counted on
        }
        return capabilities;
    }

    @Override
    public List<String> cgroup2Mounts() {
        try {
            return linux.mounts().mountInfo().stream()
                    .filter(mount -> mount.fileSystemType().equals("cgroup2"))
                    .map(MountInfo::mountPoint)
                    .toList();
        } catch (ErrnoException e) {
            return List.of();
        }
    }

    @Override
    public Optional<Space> space(Path path) {
        Path existing = existing(path);
        try {
            FileSystemStatus status = linux.files().statfs(existing.toString());
            String type = status.type() == OVERLAYFS ? "overlay" : status.type() == NFS ? "nfs" : "local";
            return Optional.of(new Space(
                    type, status.availableBytes(), status.totalBytes(), status.freeInodes(), status.inodes()));
        } catch (ErrnoException e) {
            return Optional.empty();
        }
    }

    @Override
    public Optional<String> seLinuxLabel(Path path) {
        try {
            return linux.files()
                    .lgetxattr(existing(path).toString(), "security.selinux")
                    .map(value -> new String(value, StandardCharsets.US_ASCII).replace("\0", ""));
        } catch (ErrnoException e) {
            return Optional.empty();
        }
    }

    /** The path, or the nearest one above it. */
    private static Path existing(Path path) {
        Path existing = path.toAbsolutePath();
        for (Path parent = existing.getParent(); parent != null && !Files.exists(existing); ) {
            existing = parent;
            parent = existing.getParent();
        }
        return existing;
    }

    @Override
    public List<Program> programs(Set<String> names) {
        List<Program> found = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path entry : entries) {
                String name = file(entry.resolve("comm").toString()).orElse("");
                if (names.contains(name)) {
                    found.add(new Program(Integer.parseInt(String.valueOf(entry.getFileName())), name));
                }
            }
        } catch (IOException e) {
            // without /proc nothing can be told
        }
        return found;
    }

    @Override
    public boolean isTcpPortTaken(int port) {
        String suffix = String.format(":%04X", port);
        for (String table : List.of("/proc/net/tcp", "/proc/net/tcp6")) {
            for (String line : file(table).orElse("").split("\n", -1)) {
                String[] columns = line.trim().split("\\s+", -1);
                if (columns.length > 3 && columns[1].endsWith(suffix) && columns[3].equals("0A")) {
                    return true;
                }
            }
        }
        return false;
    }

    @Override
    public boolean answers(Path socket) {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return channel.connect(UnixDomainSocketAddress.of(socket));
        } catch (IOException e) {
            return false;
        }
    }
}
