package dev.gantry.agent.check;

import dev.gantry.agent.check.Machine.Probe;
import dev.gantry.agent.config.NodePaths;
import dev.gantry.linux.Linux;
import dev.gantry.linux.LinuxCapability;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** Goes through everything that pods need of a machine. Changes nothing. */
public final class MachineCheck {
    private static final String KERNEL = "Kernel";
    private static final String PRIVILEGES = "Privileges";
    private static final String CGROUPS = "Cgroups";
    private static final String NETWORK = "Network";
    private static final String STORAGE = "Storage";
    private static final String NODE = "Node";

    private static final long MIB = 1024 * 1024;
    private static final List<String> MKFS = List.of("/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4", "/usr/bin/mkfs.ext4");
    private static final long GIB = 1024 * MIB;

    private final Machine machine;
    private final NodePaths paths;
    private final List<Finding> findings = new ArrayList<>();

    MachineCheck(Machine machine, NodePaths paths) {
        this.machine = machine;
        this.paths = paths;
    }

    public static MachineCheck ofThisMachine(NodePaths paths) {
        return new MachineCheck(new SystemMachine(Linux.system()), paths);
    }

    /** Looks at everything; the order is that of the report. */
    public List<Finding> run() {
        findings.clear();
        kernel();
        privileges();
        cgroups();
        network();
        storage();
        node();
        return List.copyOf(findings);
    }

    // ---- kernel

    private void kernel() {
        version();
        essential(Probe.OPENAT2, "openat2", "Paths inside images cannot be resolved safely", "Linux 5.6 or later");
        essential(Probe.PIDFD, "pidfd", "Processes cannot be watched", "Linux 5.3 or later");
        essential(
                Probe.SEALED_MEMFD,
                "sealed memfd",
                "Pods' parent processes cannot be started safely",
                "Linux 3.17 or later");
        if (!machine.isRoot()) {
            limited(
                    KERNEL,
                    "mounts, filters",
                    "not tried: only root may",
                    "What the kernel offers to pods is not known",
                    "sudo gantry check");
            return;
        }
        essential(Probe.MOUNT_API, "new mount API", "Containers' mounts cannot be made", "Linux 5.2 or later");
        essential(
                Probe.OVERLAY,
                "overlayfs",
                "Images cannot be mounted",
                "modprobe overlay; or a kernel with CONFIG_OVERLAY_FS");
        essential(
                Probe.MOUNT_NAMESPACE,
                "mount namespaces",
                "Containers cannot have their own file system",
                "a kernel with namespaces; outside of a container that forbids them");
        optional(
                Probe.DEVICE_FILTER,
                "device filter (BPF)",
                "Containers' access to devices is not limited by cgroup; their /dev holds only the allowed ones",
                "a kernel with CONFIG_CGROUP_BPF, and CAP_BPF or CAP_SYS_ADMIN");
        optional(
                Probe.SECCOMP,
                "seccomp filters",
                "Pods that ask for a seccomp profile are refused",
                "a kernel with CONFIG_SECCOMP_FILTER");
        userNamespaces();
    }

    private void version() {
        String release = machine.kernelRelease();
        String[] parts = release.split("[.-]", -1);
        int version = parts.length < 2 ? 0 : number(parts[0]) * 1000 + number(parts[1]);
        if (version >= 5_014) {
            good(KERNEL, "version", release);
        } else if (version >= 5_007) {
            limited(
                    KERNEL,
                    "version",
                    release,
                    "cgroup.kill is not there (5.14): ending a container takes a walk over its processes",
                    "a kernel of 5.14 or later, such as Debian 12's");
        } else {
            missing(
                    KERNEL,
                    "version",
                    release,
                    "Containers cannot be started into their cgroup (clone3 with CLONE_INTO_CGROUP, 5.7)",
                    "a kernel of 5.14 or later, such as Debian 12's");
        }
    }

    private static int number(String text) {
        return text.matches("[0-9]{1,6}") ? Integer.parseInt(text) : 0;
    }

    private void essential(Probe probe, String subject, String consequence, String remedy) {
        Optional<String> failure = machine.failure(probe);
        if (failure.isEmpty()) {
            good(KERNEL, subject, "works");
        } else {
            missing(KERNEL, subject, "fails with " + failure.get(), consequence, remedy);
        }
    }

    private void optional(Probe probe, String subject, String consequence, String remedy) {
        Optional<String> failure = machine.failure(probe);
        if (failure.isEmpty()) {
            good(KERNEL, subject, "works");
        } else {
            limited(KERNEL, subject, "fails with " + failure.get(), consequence, remedy);
        }
    }

    private void userNamespaces() {
        String most = machine.file("/proc/sys/user/max_user_namespaces").orElse("0");
        if (number(most) > 0) {
            good(KERNEL, "user namespaces", "up to " + most);
        } else {
            limited(
                    KERNEL,
                    "user namespaces",
                    "off",
                    "Pods with hostUsers: false are refused",
                    "sysctl -w user.max_user_namespaces=65536");
        }
    }

    // ---- privileges

    private void privileges() {
        if (!machine.isRoot()) {
            missing(
                    PRIVILEGES,
                    "user",
                    "not root",
                    "Namespaces, mounts and cgroups of pods cannot be made",
                    "sudo gantry check, and run the agent as root");
            return;
        }
        good(PRIVILEGES, "user", "root");
        Set<LinuxCapability> has = machine.capabilities();
        capabilities(
                has,
                "capabilities",
                List.of(
                        "SYS_ADMIN",
                        "NET_ADMIN",
                        "SYS_CHROOT",
                        "SETUID",
                        "SETGID",
                        "SETPCAP",
                        "CHOWN",
                        "DAC_OVERRIDE",
                        "FOWNER",
                        "KILL",
                        "MKNOD"));
        if (has.contains(LinuxCapability.CAP_SYS_RESOURCE)) {
            good(PRIVILEGES, "CAP_SYS_RESOURCE", "there");
        } else {
            limited(
                    PRIVILEGES,
                    "CAP_SYS_RESOURCE",
                    "missing",
                    "Resource limits cannot be raised above the agent's own, nor oom_score_adj lowered below it: both are clamped",
                    "run the agent outside of a container, or give the container this capability");
        }
    }

    private void capabilities(Set<LinuxCapability> has, String subject, List<String> wanted) {
        Set<String> names = new LinkedHashSet<>();
        for (String name : wanted) {
            if (!has.contains(LinuxCapability.valueOf("CAP_" + name))) {
                names.add("CAP_" + name);
            }
        }
        if (names.isEmpty()) {
            good(PRIVILEGES, subject, "all that are needed");
        } else {
            missing(
                    PRIVILEGES,
                    subject,
                    "without " + String.join(", ", names),
                    "Containers cannot be made",
                    "run the agent outside of a container, or give the container these capabilities");
        }
    }

    // ---- cgroups

    private void cgroups() {
        List<String> mounts = machine.cgroup2Mounts();
        if (mounts.isEmpty()) {
            missing(
                    CGROUPS,
                    "cgroup v2",
                    "not mounted",
                    "Pods have no cgroup to live in",
                    "boot with systemd.unified_cgroup_hierarchy=1, or mount -t cgroup2 none /sys/fs/cgroup/unified");
            return;
        }
        String mount = mounts.get(0);
        boolean unified = mount.equals("/sys/fs/cgroup");
        good(CGROUPS, "cgroup v2", mount + (unified ? "" : " (hybrid: version 1 is in use beside it)"));
        String there = " " + machine.file(mount + "/cgroup.controllers").orElse("") + " ";
        controller(there, "cpu", "CPU requests and limits are not applied");
        controller(there, "memory", "Memory limits are not applied, and OOM kills are not noticed");
        controller(there, "pids", "Limits on the number of processes are not applied");
        controller(there, "cpuset", "Containers cannot be bound to CPUs");
        controller(there, "io", "Input and output are not accounted");
        controller(there, "hugetlb", "Huge pages cannot be limited");
        if (machine.exists("/proc/pressure/cpu")) {
            good(CGROUPS, "pressure (PSI)", "there");
        } else {
            limited(
                    CGROUPS,
                    "pressure (PSI)",
                    "off",
                    "Statistics say nothing about pressure",
                    "boot with psi=1, on a kernel with CONFIG_PSI");
        }
    }

    private void controller(String there, String name, String consequence) {
        if (there.contains(" " + name + " ")) {
            good(CGROUPS, name, "there");
            return;
        }
        String version1Name = name.equals("io") ? "blkio" : name;
        boolean inVersion1 = machine.file("/proc/cgroups")
                .orElse("")
                .lines()
                .map(line -> line.split("\\s+", -1))
                .anyMatch(columns -> columns.length > 1 && columns[0].equals(version1Name) && !columns[1].equals("0"));
        limited(
                CGROUPS,
                name,
                inVersion1 ? "taken by cgroup version 1" : "not there",
                consequence,
                inVersion1
                        ? "boot with systemd.unified_cgroup_hierarchy=1 cgroup_no_v1=all"
                        : "a kernel with this controller; in a container or unit, delegate it (Delegate=yes)");
    }

    // ---- network

    private void network() {
        if (machine.isRoot()) {
            Optional<String> namespaces = machine.failure(Probe.NETWORK_NAMESPACE);
            if (namespaces.isEmpty()) {
                good(NETWORK, "network namespaces", "work");
            } else {
                missing(
                        NETWORK,
                        "network namespaces",
                        "fail with " + namespaces.get(),
                        "Only pods with hostNetwork: true can run",
                        "a kernel with CONFIG_NET_NS, and CAP_SYS_ADMIN");
            }
            Optional<String> tables = namespaces.isPresent() ? namespaces : machine.failure(Probe.NF_TABLES);
            if (tables.isEmpty()) {
                good(NETWORK, "nf_tables", "works");
            } else {
                limited(
                        NETWORK,
                        "nf_tables",
                        "fails with " + tables.get(),
                        "Pods reach only this machine, and host ports do not work",
                        "modprobe nf_tables; or a kernel with CONFIG_NF_TABLES");
            }
        }
        List<String> drops = machine.isRoot() ? machine.forwardDrops() : List.of();
        for (String chain : drops) {
            limited(
                    NETWORK,
                    "firewall",
                    "chain " + chain + " drops what none of its rules accepts",
                    "Traffic between pods and other hosts, and to host ports, may be dropped",
                    "nft insert rule " + chain + " iifname gantry0 accept; nft insert rule " + chain
                            + " oifname gantry0 accept");
        }
        if (machine.isRoot() && drops.isEmpty()) {
            good(NETWORK, "firewall", "none that drops what is forwarded");
        }
        forwarding("IPv4 forwarding", "/proc/sys/net/ipv4/ip_forward");
        if (machine.exists("/proc/sys/net/ipv6")) {
            forwarding("IPv6 forwarding", "/proc/sys/net/ipv6/conf/all/forwarding");
        } else {
            limited(NETWORK, "IPv6", "off", "Pods have IPv4 addresses only", "boot without ipv6.disable=1");
        }
        String resolver = machine.file("/etc/resolv.conf").orElse("");
        if (resolver.lines().anyMatch(line -> line.startsWith("nameserver"))) {
            good(
                    NETWORK,
                    "name servers",
                    resolver.lines()
                            .filter(line -> line.startsWith("nameserver "))
                            .map(line -> line.substring("nameserver ".length()).trim())
                            .reduce((a, b) -> a + ", " + b)
                            .orElse(""));
        } else {
            limited(
                    NETWORK,
                    "name servers",
                    "none in /etc/resolv.conf",
                    "Pods with dnsPolicy Default resolve no names",
                    "write name servers into /etc/resolv.conf, or choose another file with --resolv-conf");
        }
    }

    private void forwarding(String subject, String file) {
        if (machine.file(file).orElse("").equals("1")) {
            good(NETWORK, subject, "on");
        } else {
            good(NETWORK, subject, "off; the agent switches it on when it makes the pod network");
        }
    }

    // ---- storage

    private void storage() {
        space("images, volumes", paths.state(), 2 * GIB, 200 * MIB, true);
        space("container logs", paths.podLogs(), 500 * MIB, 50 * MIB, false);
        space("sandboxes", paths.run(), 50 * MIB, 5 * MIB, false);
        limitedDirectories();
        labels();
    }

    /** Policies let containers run what is labelled as theirs; whatever else is below the system's directories is the system's. */
    private void labels() {
        if (machine.file("/sys/fs/selinux/enforce").isEmpty()) {
            return;
        }
        String label = machine.seLinuxLabel(paths.images()).orElse("none");
        String[] words = label.split(":", -1);
        if (words.length > 2 && words[2].startsWith("container_")) {
            good(STORAGE, "SELinux label", label);
        } else {
            limited(
                    STORAGE,
                    "SELinux label",
                    label + ", of " + paths.images(),
                    "Where SELinux enforces its policy, containers with seLinuxOptions cannot run the programs of their images",
                    "semanage fcontext -a -t container_ro_file_t '%s(/.*)?'; restorecon -R %s"
                            .formatted(paths.images(), paths.images()));
        }
    }

    /** What an emptyDir with a sizeLimit is made with. */
    private void limitedDirectories() {
        boolean tool = MKFS.stream().anyMatch(machine::exists);
        if (tool && machine.exists("/dev/loop-control")) {
            good(STORAGE, "sizeLimit of emptyDir", "enforced");
        } else {
            limited(
                    STORAGE,
                    "sizeLimit of emptyDir",
                    tool ? "no loop devices" : "no mkfs.ext4",
                    "An emptyDir on disk can grow beyond its sizeLimit",
                    tool ? "modprobe loop; outside of a container that hides /dev/loop-control" : "install e2fsprogs");
        }
    }

    private void space(String subject, Path path, long enough, long least, boolean holdsLayers) {
        Optional<Machine.Space> found = machine.space(path);
        if (found.isEmpty()) {
            missing(
                    STORAGE,
                    subject,
                    path + " cannot be reached",
                    "Nothing can be stored",
                    "mount it, or choose another directory with --root");
            return;
        }
        Machine.Space space = found.get();
        String text = path + ", " + amount(space.freeBytes()) + " free of " + amount(space.totalBytes());
        if (holdsLayers && !space.fileSystem().equals("local")) {
            missing(
                    STORAGE,
                    subject,
                    text + ", on " + space.fileSystem(),
                    "Overlay mounts need a file system of their own kind below them: containers cannot have a writable layer here",
                    "put it on ext4, xfs or btrfs, or choose another directory with --root-dir");
        } else if (space.freeBytes() < least) {
            missing(STORAGE, subject, text, "There is no room for a container", "free some space");
        } else if (space.freeBytes() < enough || (space.totalInodes() > 0 && space.freeInodes() < 10_000)) {
            boolean inodes = space.freeBytes() >= enough;
            limited(
                    STORAGE,
                    subject,
                    text + (inodes ? ", " + space.freeInodes() + " inodes" : ""),
                    "Pulls of larger images fail",
                    "free some space: gantry image ls, gantry image rm");
        } else {
            good(STORAGE, subject, text);
        }
    }

    private static String amount(long bytes) {
        return bytes >= GIB
                ? String.format(Locale.ROOT, "%.1f GiB", bytes / (double) GIB)
                : String.format(Locale.ROOT, "%.0f MiB", bytes / (double) MIB);
    }

    // ---- the node

    private void node() {
        good(NODE, "Java", machine.javaVersion());
        List<Machine.Program> kubelets = machine.programs(Set.of("kubelet"));
        if (!kubelets.isEmpty()) {
            limited(
                    NODE,
                    "kubelet",
                    "runs, pid " + kubelets.get(0).pid(),
                    "Both would start the pods of " + paths.manifests(),
                    "systemctl disable --now kubelet, or give this agent another --pod-manifest-path");
        }
        boolean answers = machine.answers(paths.socket());
        good(NODE, "agent", answers ? "answers at " + paths.socket() : "does not run");
        if (machine.exists(paths.manifests().toString())) {
            good(NODE, "static pods", paths.manifests().toString());
        } else {
            good(NODE, "static pods", paths.manifests() + ", not there yet; the agent makes it");
        }
        if (kubelets.isEmpty() && machine.isTcpPortTaken(10250)) {
            limited(
                    NODE,
                    "port 10250",
                    "taken",
                    "Another node agent may run here",
                    "find it with: ss -ltnp 'sport = :10250'");
        }
    }

    private void good(String group, String subject, String found) {
        findings.add(Finding.good(group, subject, found));
    }

    private void limited(String group, String subject, String found, String consequence, String remedy) {
        findings.add(Finding.limited(group, subject, found, consequence, remedy));
    }

    private void missing(String group, String subject, String found, String consequence, String remedy) {
        findings.add(Finding.missing(group, subject, found, consequence, remedy));
    }
}
