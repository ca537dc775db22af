package dev.gantry.agent.check;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.agent.config.NodePaths;
import dev.gantry.linux.LinuxCapability;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class MachineCheckTest {
    private final FakeMachine machine = new FakeMachine();

    private List<Finding> run() {
        return new MachineCheck(machine, NodePaths.under(Path.of("/srv/gantry"))).run();
    }

    private Finding about(String subject) {
        return run().stream()
                .filter(finding -> finding.subject().equals(subject))
                .findFirst()
                .orElseThrow(() -> new AssertionError("nothing about " + subject));
    }

    @Test
    void aGoodMachineHasNothingToComplainAbout() {
        assertThat(run()).allMatch(finding -> finding.level() == Finding.Level.GOOD);
    }

    @Test
    void aFirewallThatDropsWhatPodsSendIsNamedWithTheRuleThatIsMissing() {
        machine.forwardDrops.add("ip filter FORWARD");

        assertThat(about("firewall").level()).isEqualTo(Finding.Level.LIMITED);
        assertThat(about("firewall").found()).isEqualTo("chain ip filter FORWARD drops what none of its rules accepts");
        assertThat(about("firewall").remedy()).startsWith("nft insert rule ip filter FORWARD iifname gantry0 accept");
    }

    @Test
    void whateverIsNotGoodSaysWhatFollowsAndWhatToDo() {
        for (Machine.Probe probe : Machine.Probe.values()) {
            machine.failures.put(probe, "EPERM");
        }
        machine.capabilities.clear();
        machine.mounts.clear();
        machine.files.clear();
        machine.kernel = "4.19.0";
        machine.space = Optional.empty();
        machine.programs.add(new Machine.Program(42, "kubelet"));

        assertThat(run())
                .filteredOn(finding -> finding.level() != Finding.Level.GOOD)
                .hasSizeGreaterThan(20)
                .allMatch(finding ->
                        !finding.consequence().isEmpty() && !finding.remedy().isEmpty());
    }

    @ParameterizedTest
    @EnumSource(Machine.Probe.class)
    void eachProbeThatFailsIsReportedOnce(Machine.Probe probe) {
        machine.failures.put(probe, "ENOSYS");

        assertThat(run())
                .filteredOn(finding -> finding.found().contains("ENOSYS"))
                .isNotEmpty()
                .allMatch(finding -> finding.level() != Finding.Level.GOOD);
    }

    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource({
        "6.1.0-18-amd64, GOOD",
        "5.14.0, GOOD",
        "5.10.0-28-amd64, LIMITED",
        "5.4.0, MISSING",
        "4.19.0, MISSING",
        "weird, MISSING"
    })
    void kernelsAreJudgedByVersion(String release, Finding.Level level) {
        machine.kernel = release;

        assertThat(about("version").level()).isEqualTo(level);
    }

    @Test
    void whatLimitsDirectoriesIsLookedFor() {
        assertThat(about("sizeLimit of emptyDir").level()).isEqualTo(Finding.Level.GOOD);

        machine.files.clear();

        assertThat(about("sizeLimit of emptyDir").found()).isEqualTo("no mkfs.ext4");
        assertThat(about("sizeLimit of emptyDir").remedy()).isEqualTo("install e2fsprogs");
    }

    @Test
    void withSeLinuxTheImagesHaveToBelongToContainers() {
        assertThat(run()).noneMatch(finding -> finding.subject().equals("SELinux label"));
        machine.files.put("/sys/fs/selinux/enforce", "1");

        machine.label = Optional.of("system_u:object_r:var_lib_t:s0");
        assertThat(about("SELinux label").level()).isEqualTo(Finding.Level.LIMITED);
        assertThat(about("SELinux label").found()).startsWith("system_u:object_r:var_lib_t:s0, of /srv/gantry/");
        assertThat(about("SELinux label").remedy()).startsWith("semanage fcontext -a -t container_ro_file_t '/srv/");
        machine.label = Optional.empty();
        assertThat(about("SELinux label").found()).startsWith("none, of /srv/gantry/");
        machine.label = Optional.of("system_u:object_r:container_ro_file_t:s0");
        assertThat(about("SELinux label").level()).isEqualTo(Finding.Level.GOOD);
    }

    @Test
    void aControllerThatVersionOneHoldsIsToldFromOneThatIsNotThere() {
        machine.files.put("/sys/fs/cgroup/cgroup.controllers", "cpu pids");
        machine.files.put(
                "/proc/cgroups",
                "#subsys_name\thierarchy\tnum_cgroups\tenabled\nmemory\t7\t1\t1\nblkio\t3\t1\t1\ncpu\t0\t1\t1");

        assertThat(about("cpu").level()).isEqualTo(Finding.Level.GOOD);
        assertThat(about("memory").found()).isEqualTo("taken by cgroup version 1");
        assertThat(about("io").found()).isEqualTo("taken by cgroup version 1");
        assertThat(about("cpuset").found()).isEqualTo("not there");
    }

    @Test
    void withoutRootOnlyWhatNeedsNoneIsTried() {
        machine.root = false;
        machine.failures.put(Machine.Probe.OVERLAY, "EPERM");

        assertThat(run()).noneMatch(finding -> finding.found().contains("EPERM"));
        assertThat(about("user").level()).isEqualTo(Finding.Level.MISSING);
    }

    @Test
    void missingCapabilitiesAreNamed() {
        machine.capabilities.remove(LinuxCapability.CAP_NET_ADMIN);
        machine.capabilities.remove(LinuxCapability.CAP_SYS_RESOURCE);

        assertThat(about("capabilities").found()).isEqualTo("without CAP_NET_ADMIN");
        assertThat(about("CAP_SYS_RESOURCE").level()).isEqualTo(Finding.Level.LIMITED);
    }

    @ParameterizedTest(name = "{1} MiB free on {0} is {2}")
    @CsvSource({
        "local, 5000, GOOD",
        "local, 1000, LIMITED",
        "local, 100, MISSING",
        "overlay, 5000, MISSING",
        "nfs, 5000, MISSING"
    })
    void spaceIsJudgedByAmountAndKind(String kind, long mebibytes, Finding.Level level) {
        machine.space = Optional.of(new Machine.Space(kind, mebibytes << 20, 100L << 30, 1_000_000, 2_000_000));

        assertThat(about("images, volumes").level()).isEqualTo(level);
    }

    @Test
    void findingsAreJsonToo() {
        assertThat(Finding.json(List.of(Finding.limited("Kernel", "x", "off", "so", "do"))))
                .isEqualToIgnoringWhitespace(
                        "{\"items\":[{\"level\":\"limited\",\"group\":\"Kernel\",\"subject\":\"x\",\"found\":\"off\",\"consequence\":\"so\",\"remedy\":\"do\"}]}");
    }

    /** A machine that has everything, until a test takes something away. */
    private static final class FakeMachine implements Machine {
        private final List<String> forwardDrops = new ArrayList<>();
        private final Map<String, String> files = new HashMap<>(Map.of(
                "/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory hugetlb pids",
                "/proc/sys/user/max_user_namespaces", "65536",
                "/proc/sys/net/ipv4/ip_forward", "1",
                "/proc/sys/net/ipv6/conf/all/forwarding", "1",
                "/etc/resolv.conf", "nameserver 192.0.2.53"));
        private final Map<Probe, String> failures = new EnumMap<>(Probe.class);
        private final Set<LinuxCapability> capabilities = EnumSet.allOf(LinuxCapability.class);
        private final List<String> mounts = new ArrayList<>(List.of("/sys/fs/cgroup"));
        private final List<Program> programs = new ArrayList<>();
        private String kernel = "6.1.0-18-amd64";
        private boolean root = true;
        private Optional<String> label = Optional.empty();
        private Optional<Space> space = Optional.of(new Space("local", 50L << 30, 100L << 30, 1_000_000, 2_000_000));

        @Override
        public Optional<String> file(String path) {
            return Optional.ofNullable(files.get(path));
        }

        @Override
        public Optional<String> seLinuxLabel(Path path) {
            return label;
        }

        @Override
        public boolean exists(String path) {
            return !files.isEmpty();
        }

        @Override
        public Optional<String> failure(Probe probe) {
            return Optional.ofNullable(failures.get(probe));
        }

        @Override
        public List<String> forwardDrops() {
            return forwardDrops;
        }

        @Override
        public String kernelRelease() {
            return kernel;
        }

        @Override
        public String javaVersion() {
            return "17.0.1";
        }

        @Override
        public boolean isRoot() {
            return root;
        }

        @Override
        public Set<LinuxCapability> capabilities() {
            return capabilities;
        }

        @Override
        public List<String> cgroup2Mounts() {
            return mounts;
        }

        @Override
        public Optional<Space> space(Path path) {
            return space;
        }

        @Override
        public List<Program> programs(Set<String> names) {
            return programs.stream()
                    .filter(program -> names.contains(program.name()))
                    .toList();
        }

        @Override
        public boolean isTcpPortTaken(int port) {
            return false;
        }

        @Override
        public boolean answers(Path socket) {
            return false;
        }
    }
}
